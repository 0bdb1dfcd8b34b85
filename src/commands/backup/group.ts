import type { CommandSpec } from '../command.ts';

export const BACKUP_COMMANDS: readonly CommandSpec[] = [];
