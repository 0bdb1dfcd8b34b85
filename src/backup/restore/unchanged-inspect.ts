import { createHash } from 'node:crypto';
import { lstat, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, systemCodeOf } from '../../base/errors.ts';
import { MARKER_NAME, withoutLeavings } from './left-out.ts';
import { refuseRunning } from './running-inspect.ts';
import type { TargetState } from './target-directories-inspect.ts';

/**
 * Tells whether a server or a restore was at work in a directory between two looks. A server writes WAL, at the latest with its
 * next checkpoint; that is seen wherever it runs.
 */
export async function fingerprintOf(dataDirectory: string): Promise<string> {
  const hash = createHash('sha256');
  for (const name of [path.join('global', 'pg_control'), MARKER_NAME, 'postmaster.pid']) {
    const content = await unlessAbsent(readFile(path.join(dataDirectory, name)));
    hash.update(content === undefined ? 'absent' : `${content.byteLength} bytes `).update(content ?? '');
  }
  const wal = path.join(dataDirectory, 'pg_wal');
  for (const name of ((await unlessAbsent(readdir(wal))) ?? []).toSorted()) {
    const info = await unlessAbsent(lstat(path.join(wal, name), { bigint: true }));
    hash.update(`${name} ${info?.mtimeNs ?? 'absent'} `);
  }
  return hash.digest('hex');
}

async function unlessAbsent<Value>(work: Promise<Value>): Promise<Value | undefined> {
  try {
    return await work;
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT' || systemCodeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

/**
 * Looks whether a directory, held now, is still as it was when the restore into it was planned: somebody was asked in between,
 * and other restores and servers did not wait for the answer.
 *
 * @throws {DbadminError} `refused` when a server runs there; `plan-stale`.
 */
export async function refuseChanged(dataDirectory: string, state: TargetState): Promise<void> {
  if (state.kind === 'over') await refuseRunning(dataDirectory);
  const names = state.kind === 'empty' ? withoutLeavings(await readdir(dataDirectory)) : [];
  const isSame = state.kind === 'empty' ? names.length === 0 : (await fingerprintOf(dataDirectory)) === state.fingerprint;
  if (isSame) return;
  throw new DbadminError('plan-stale', `${dataDirectory} has changed since the restore was planned`, {
    detail:
      state.kind === 'empty'
        ? `It was empty and holds ${names.slice(0, 3).join(', ')} now.`
        : 'A server ran in it, or another restore was at work there.',
    hint: 'Nothing was touched. See what is there now, and run the command again.',
  });
}
