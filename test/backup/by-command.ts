import { expect } from 'vitest';
import postgres from 'postgres';
import type { CommandEnd } from './command.ts';

/** Runs `dbadmin …` with a test's configuration. */
export type RunDbadmin = (...args: readonly string[]) => Promise<CommandEnd>;

/** Takes a backup with `backup run`; gives its label and how the command ended. */
export async function takeByCommand(
  dbadmin: RunDbadmin,
  type: 'full' | 'incremental',
): Promise<{ readonly label: string; readonly end: CommandEnd }> {
  const end = await dbadmin('backup', 'run', '--type', type);
  const label = /done\s+(\S+)/.exec(end.stdout)?.[1] ?? '';
  expect(label, end.stderr).not.toBe('');
  return { label, end };
}

/** The rows of a table with columns g and t, as one hash. */
export async function hashOfRows(url: string, table: string): Promise<string> {
  const reader = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    const [row] = await reader<{ hash: string }[]>`select md5(string_agg(t, ',' order by g)) as hash from ${reader(table)}`;
    return row?.hash ?? '';
  } finally {
    await reader.end();
  }
}
