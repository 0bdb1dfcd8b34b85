import { spawn } from 'node:child_process';
import { createHash, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { systemCodeOf } from '../../src/base/errors.ts';
import { crc32c } from '../../src/postgres/crc32c.ts';
import { initCluster, makeServerDirectory, type InitClusterOptions, type ServerPrograms } from '../../src/postgres/server.ts';
import { ownDirectory, serverDirectoryPrefix } from './leftovers.ts';

/*
 * initdb takes half a second of the processor, and a run makes hundreds of clusters of a few kinds. Each kind is made once in a run
 * and copied after; a copy gets a system identifier of its own, as from initdb. test/images/entrypoint.sh does the same in containers.
 */

const TEMPLATES = 'DBADMIN_TEST_TEMPLATES';

/** Makes the place for a run's templates, known to all processes that this one starts. Resolves to what removes it. */
export async function makeTemplatePlace(): Promise<() => Promise<void>> {
  const place = await mkdtemp(serverDirectoryPrefix(0));
  await ownDirectory(place);
  await chmod(place, 0o755);
  process.env[TEMPLATES] = place;
  return async () => await rm(place, { recursive: true, force: true });
}

/** What `initCluster` makes, from a template where the run has a place for such. `dataDirectory` must be absent. */
export async function layCluster(programs: ServerPrograms, dataDirectory: string, options: InitClusterOptions): Promise<void> {
  const place = process.env[TEMPLATES];
  if (place === undefined) {
    await initCluster(programs, dataDirectory, options);
    return;
  }
  // initdb writes the time zone that it finds into the configuration.
  const kind = createHash('sha256').update(JSON.stringify([programs.binDirectory, options, process.env['TZ']]));
  const template = path.join(place, `${programs.major}-${kind.digest('hex').slice(0, 16)}`);
  if (!(await copyDirectory(template, dataDirectory))) {
    await makeTemplate(programs, template, options);
    if (!(await copyDirectory(template, dataDirectory))) throw new Error(`there is no ${template}`);
  }
  await giveIdentity(dataDirectory);
}

/** Beside, then renamed: it may be made twice at the same time, here or by another process. */
async function makeTemplate(programs: ServerPrograms, template: string, options: InitClusterOptions): Promise<void> {
  const home = `${template}.${process.pid}.${randomInt(2 ** 32)}`;
  await makeServerDirectory(programs, home);
  // The directory that holds it belongs to root, and initdb's user is to enter it.
  const made = path.join(home, 'data');
  await initCluster(programs, made, options);
  await rename(made, template).catch((error: unknown) => {
    const code = systemCodeOf(error);
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  });
  await rm(home, { recursive: true, force: true });
}

/** With owners and modes, which `fs.cp` does not keep. False where there is no such directory. */
async function copyDirectory(from: string, to: string): Promise<boolean> {
  if ((await readdir(from).catch(() => [])).length === 0) return false;
  const child = spawn('cp', ['-Rp', from, to], { stdio: ['ignore', 'ignore', 'inherit'] });
  const [status] = (await once(child, 'close')) as [number | null];
  if (status !== 0) throw new Error(`cp of ${from} to ${to} ended with ${status}`);
  return true;
}

/** Where the system identifier stands in the first page of a segment. */
const IN_WAL = 24;

/** A new system identifier: in pg_control, under its checksum, and on the first page of the WAL. */
async function giveIdentity(dataDirectory: string): Promise<void> {
  const identifier = Buffer.alloc(8);
  // As initdb has it: the second, and a number within it.
  identifier.writeUInt32LE(randomInt(2 ** 32), 0);
  identifier.writeUInt32LE(Math.floor(Date.now() / 1000), 4);
  const control = path.join(dataDirectory, 'global', 'pg_control');
  const bytes = await readFile(control);
  let sumAt = 200;
  while (crc32c(bytes.subarray(0, sumAt)) !== bytes.readUInt32LE(sumAt)) sumAt += 4;
  identifier.copy(bytes, 0);
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, sumAt)), sumAt);
  await writeAt(control, bytes.subarray(0, 512), 0);
  const wal = path.join(dataDirectory, 'pg_wal');
  for (const name of await readdir(wal)) if (/^[0-9A-F]{24}$/.test(name)) await writeAt(path.join(wal, name), identifier, IN_WAL);
}

async function writeAt(name: string, bytes: Uint8Array, position: number): Promise<void> {
  const file = await open(name, 'r+');
  try {
    await file.write(bytes, 0, bytes.byteLength, position);
  } finally {
    await file.close();
  }
}
