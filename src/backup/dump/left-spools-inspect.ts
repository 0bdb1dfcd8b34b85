import { lstat, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { stateOf } from '../../repository/process-identity.ts';
import { OWNER, SPOOL } from './spool-run.ts';

/** A spool of which nobody can say from here whether a dump or restore is still at work in it. */
export interface LeftSpool {
  readonly path: string;
  /** What it takes on the disk. */
  readonly sizeBytes: number;
  /** Since something in it was last written. */
  readonly ageMs: number;
  /** Its process is proven to have ended, on this machine: the next dump of its user there removes it. */
  readonly hasEnded: boolean;
}

/** One that is being made has no owner yet. */
const FRESH_MS = 60_000;

/**
 * The spools in `parent` but for those whose process is seen to run: of dumps and restores that were killed before the machine was started again
 * or in another container, or that run in one or on another machine now. Those that this user may not read are passed over: they are for others.
 */
export async function inspectLeftSpools(parent: string, now: Date): Promise<readonly LeftSpool[]> {
  const left: LeftSpool[] = [];
  for (const name of await readdir(parent).catch(() => [])) {
    if (!SPOOL.test(name)) continue;
    const found = await inspectSpool(path.join(parent, name), now).catch(() => undefined);
    if (found !== undefined) left.push(found);
  }
  return left;
}

async function inspectSpool(spool: string, now: Date): Promise<LeftSpool | undefined> {
  const own = await lstat(spool);
  if (!own.isDirectory()) return undefined;
  const owner = await readFile(path.join(spool, OWNER), 'utf8').catch(() => '');
  const state = await stateOf(owner);
  if (state === 'running') return undefined;
  let { mtimeMs } = own;
  let sizeBytes = 0;
  for (const name of await readdir(spool, { recursive: true })) {
    const file = await lstat(path.join(spool, name)).catch(() => undefined);
    sizeBytes += (file?.blocks ?? 0) * 512;
    mtimeMs = Math.max(mtimeMs, file?.mtimeMs ?? 0);
  }
  const ageMs = Math.max(0, now.getTime() - mtimeMs);
  if (owner === '' && ageMs < FRESH_MS) return undefined;
  return { path: spool, sizeBytes, ageMs, hasEnded: state === 'ended' };
}
