import type { CommandSpec } from '../command.ts';

export const MIGRATE_COMMANDS: readonly CommandSpec[] = [];
