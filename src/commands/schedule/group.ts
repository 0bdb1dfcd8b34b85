import type { CommandSpec } from '../command.ts';

export const SCHEDULE_COMMANDS: readonly CommandSpec[] = [];
