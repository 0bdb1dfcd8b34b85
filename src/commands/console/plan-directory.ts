import { lstat, mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { isRunning } from '../../base/processes.ts';

const NAME = /^dbadmin-console-(\d+)-\w+$/;

/**
 * A new directory for saved plans that only this user can enter, named by this process. Those of consoles that were killed are
 * removed first: nobody can act on what was reviewed in them any more.
 */
export async function makePlanDirectory(): Promise<string> {
  const within = os.tmpdir();
  for (const name of await readdir(within).catch(() => [])) {
    const pid = Number(NAME.exec(name)?.[1] ?? process.pid);
    if (pid === process.pid || (await isRunning(pid))) continue;
    const left = path.join(within, name);
    const found = await lstat(left).catch(() => undefined);
    if (found?.isDirectory() === true && found.uid === process.getuid?.())
      await rm(left, { recursive: true, force: true }).catch(() => undefined);
  }
  return await mkdtemp(path.join(within, `dbadmin-console-${process.pid}-`));
}
