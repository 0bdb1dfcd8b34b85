import type { CommandSpec } from '../command.ts';

export const PROJECT_COMMANDS: readonly CommandSpec[] = [];
