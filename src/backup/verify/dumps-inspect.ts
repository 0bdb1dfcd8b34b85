import { createHash } from 'node:crypto';
import type { DumpedObject } from '../dump/manifest.ts';
import { readDumpManifest } from '../dump/stored-dump.ts';
import { dumpPrefix } from '../dump/layout.ts';
import { damaged } from '../../repository/envelope.ts';
import { Blake3 } from '../../repository/hash.ts';
import { asFault, isRead, type VerifyTask } from './task.ts';

/** A dump of which something is missing or damaged. */
export interface AffectedDump {
  readonly label: string;
  readonly reasons: readonly string[];
}

export interface DumpFindings {
  readonly affected: readonly AffectedDump[];
  /** Dumps without a manifest: under way, or begun by a run that was killed. */
  readonly unfinished: number;
}

/** Checks every dump: its manifest readable, each object there with its size, content as far as it is to be read. */
export async function verifyDumps(task: VerifyTask): Promise<DumpFindings> {
  const prefix = dumpPrefix(`${task.systemIdentifier}/`);
  const labels = new Map<string, Map<string, number>>();
  for await (const { key, sizeBytes } of task.repository.store.list(prefix)) {
    task.tally.objects += 1;
    const [label = ''] = key.slice(prefix.length).split('/');
    const objects = labels.get(label) ?? new Map<string, number>();
    labels.set(label, objects.set(key, sizeBytes));
  }
  const affected: AffectedDump[] = [];
  let unfinished = 0;
  for (const [label, objects] of labels) {
    const key = `${prefix}${label}/manifest.json`;
    if (!objects.has(key)) {
      unfinished += 1;
      continue;
    }
    const reasons: string[] = [];
    let isRead = false;
    const failure = await asFault(task, key, async () => {
      const manifest = await readDumpManifest(task.repository, `${task.systemIdentifier}/`, label);
      isRead = true;
      for (const object of [manifest.globals, ...manifest.databases]) {
        if (!(await verifyDumped(task, object, objects.get(object.key)))) reasons.push(`${object.key} is missing or damaged.`);
      }
    });
    // Expired since it was listed.
    if (failure === undefined && !isRead) continue;
    task.tally.dumps += 1;
    if (failure !== undefined) reasons.push('Its manifest cannot be read.');
    if (reasons.length > 0) affected.push({ label, reasons });
  }
  return { affected, unfinished };
}

async function verifyDumped(task: VerifyTask, dumped: DumpedObject, sizeBytes: number | undefined): Promise<boolean> {
  if (sizeBytes === undefined) {
    task.faults.add({ kind: 'missing', object: dumped.key, detail: 'The manifest of its dump names it.' });
    return false;
  }
  const failure = await asFault(task, dumped.key, async () => {
    if (sizeBytes !== dumped.sizeBytes) throw damaged(dumped.key, `It has ${sizeBytes} bytes, and its manifest says ${dumped.sizeBytes}.`);
    if (!isRead(task, dumped.key, dumped.key)) return;
    const blake3 = new Blake3();
    const sha256 = createHash('sha256');
    for await (const piece of task.repository.store.readStream(dumped.key, task.signal)) {
      blake3.update(piece);
      sha256.update(piece);
    }
    task.tally.readBytes += sizeBytes;
    task.onRead(sizeBytes);
    if (blake3.digest().toString('hex') !== dumped.blake3 || sha256.digest('hex') !== dumped.sha256)
      throw damaged(dumped.key, 'Its hash is not what its manifest says.');
  });
  return failure === undefined;
}
