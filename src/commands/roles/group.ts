import type { CommandSpec } from '../command.ts';

export const ROLES_COMMANDS: readonly CommandSpec[] = [];
