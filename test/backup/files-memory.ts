import { planDelta } from '../../src/backup/restore/delta-plan.ts';
import { FoundEntries } from '../../src/backup/restore/found-entries.ts';
import { planLayout } from '../../src/backup/restore/plan.ts';
import { readParentContent } from '../../src/backup/take/parent-inspect.ts';
import { ManifestEntries } from '../../src/repository/manifest-entries.ts';
import { writeManifest, type FileEntry } from '../../src/repository/manifest.ts';
import { makeMemoryRepository } from './memory-repository.ts';
import { summaryOf, SYSTEM } from './small-backups.ts';

/**
 * A process of its own that tells what is held of each file of a backup of very many relations, in bytes, by who needs all
 * of them at once: `node --expose-gc files-memory.ts <files>`. Prints JSON.
 */

const FILES_IN_DIRECTORY = 20_000;

const pathOf = (n: number): string => `base/${16_384 + Math.floor(n / FILES_IN_DIRECTORY)}/${20_000 + (n % FILES_IN_DIRECTORY)}`;

function* files(count: number): Generator<FileEntry> {
  const attributes = { type: 'file', sizeBytes: 8192, mode: 0o600, modifiedAt: 1_700_000_000 } as const;
  yield { ...attributes, path: 'global/pg_control', extents: [] };
  for (let n = 0; n < count; n += 1) yield { ...attributes, path: pathOf(n), extents: [[0, 8192, n.toString(16).padStart(64, '0')]] };
}

function heldBytes(): number {
  // Buffers are given back a turn of the collector later than what held them.
  for (let turn = 0; turn < 3; turn += 1) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const count = Number(process.argv[2]);
const repository = await makeMemoryRepository();
const backup = summaryOf('20261122T000000Z-full');
await writeManifest(repository, backup, files(count));

const held: Record<string, number> = {};
/** What something made takes for each file, as long as it is kept. */
async function measure<T>(name: string, make: () => T | Promise<T>): Promise<T> {
  const before = heldBytes();
  const made = await make();
  held[name] = (heldBytes() - before) / count;
  return made;
}

const parent = await measure('parent', async () => await readParentContent(repository, backup));
const entries = await measure('entries', async () => await ManifestEntries.read(repository, SYSTEM, backup.label));
const layout = await measure('layout', () => planLayout(backup, entries, '/restored', new Map()));
const found = await measure('found', () => {
  const all = new FoundEntries();
  for (let n = 0; n < count; n += 1) all.add({ path: pathOf(n), type: 'file', sizeBytes: 8192, heldBytes: 8192 });
  return all;
});
const delta = await measure('delta', () => planDelta(layout, found));
const counts = { parent: parent.fileCount, laid: layout.files.length, compared: delta.compared.length, written: delta.written.length };
process.stdout.write(`${JSON.stringify({ counts, held })}\n`);
