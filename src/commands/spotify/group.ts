import type { CommandSpec } from '../command.ts';

export const SPOTIFY_COMMANDS: readonly CommandSpec[] = [];
