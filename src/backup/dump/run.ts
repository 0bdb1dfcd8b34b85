import { createHash } from 'node:crypto';
import { appendFile, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../base/clock.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import type { Environment, FoundProgram } from '../../postgres/programs.ts';
import { Blake3 } from '../../repository/hash.ts';
import { ensureClusterIdentity } from '../../repository/identity.ts';
import type { Repository } from '../../repository/repository.ts';
import type { DumpSource } from './inspect.ts';
import { archiveOf } from './archive-run.ts';
import { dumpGlobals } from './globals.ts';
import { dumpGlobalsKey, dumpKey, dumpLabel } from './layout.ts';
import type { DumpedDatabase, DumpedObject, DumpFormat, DumpManifest, DumpSelection, LeftOutDatabase } from './manifest.ts';
import { dumpToFile } from './pg-dump-restore.ts';
import { inspectLeftSpools, type LeftSpool } from './left-spools-inspect.ts';
import { refusePoolerOf } from './pooler-inspect.ts';
import { settingsOfAllText } from './settings-of-all.ts';
import { makeSpool, removeLeftSpools, removeSpool, spoolFailure } from './spool-run.ts';
import { fileBody, formatOf, sealedBody, writeDumpManifest, type StorableBody } from './stored-dump.ts';
import { refuseUnmatched } from './table-patterns-run.ts';
import type { DumpWarning } from './warnings.ts';

export interface DumpRequest {
  readonly repository: Repository;
  /** What stands before `dumps/` in every key: empty, or the cluster's own prefix and a slash. */
  readonly keyPrefix: string;
  readonly clusterName: string;
  readonly source: DumpSource;
  /** Leads to any database of the cluster; each dump connects to its own. */
  readonly parameters: ConnectionParameters;
  readonly selection: DumpSelection;
  /** What is chosen by it: names, none twice. */
  readonly databases: readonly string[];
  readonly leftOut: readonly LeftOutDatabase[];
  /** pg_dump and pg_dumpall of the server's major or a newer one. */
  readonly program: FoundProgram;
  readonly globalsProgram: FoundProgram;
  readonly env: Environment;
  /** Where the dumps lie until they are stored: room for the largest is needed. */
  readonly spoolDirectory: string;
  readonly clock: Clock;
  readonly tool: string;
  /** `custom` unless said otherwise. */
  readonly format?: DumpFormat;
  /** How many tables of a database are dumped at once, each over a connection of its own beside the first: of the directory format alone. */
  readonly jobs?: number;
  readonly signal?: AbortSignal;
  /** What dumps and restores left in the spool directory that were killed, and is gone now. */
  readonly onRemoved?: (spools: readonly string[]) => void;
  /** What lies in the spool directory of others, or of runs that were killed: nobody can tell from here. */
  readonly onLeft?: (spools: readonly LeftSpool[]) => void;
  readonly onDatabase?: (database: DumpedDatabase) => void;
  /** What pg_dump said of a database that it dumped: some of it may be missing. */
  readonly onWarning?: (warning: DumpWarning) => void;
}

/**
 * Dumps the globals and each database into the repository, one after the other, then writes the manifest, without which there is no dump.
 *
 * @throws {DbadminError} `refused` through a transaction pooler, `usage` when a pattern of tables finds none in several databases, `program-failed`, `storage-…`, `storage-exists` when another dump began in the same second.
 */
export async function takeDump(request: DumpRequest): Promise<DumpManifest> {
  const { repository, keyPrefix, source, clock } = request;
  await refusePoolerOf(request.parameters, [request.parameters.database, ...request.databases], request.signal);
  const { tables } = request.selection;
  if (tables.length > 1 && request.databases.length > 1) await refuseUnmatched(request, request.databases, tables);
  const startedAt = clock.now();
  const label = dumpLabel(startedAt);
  // Where dumps are all there is, they alone tell whose the lineage is. It comes first: what is taken away from the cluster while they
  // are taken is written into the ledger of a repository that knows it.
  const { systemIdentifier, versionNumber, walSegmentBytes } = source;
  await ensureClusterIdentity(repository, { systemIdentifier, name: request.clusterName, serverVersion: versionNumber, walSegmentBytes });
  const removed = await removeLeftSpools(request.spoolDirectory);
  if (removed.length > 0) request.onRemoved?.(removed);
  const left = await inspectLeftSpools(request.spoolDirectory, clock.now());
  if (left.length > 0) request.onLeft?.(left);
  const spool = await makeSpool(request.spoolDirectory, 'dump');
  const databases: DumpedDatabase[] = [];
  const written: string[] = [];
  let globals: DumpedObject;
  try {
    globals = await storeGlobals(request, dumpGlobalsKey(keyPrefix, label), path.join(spool, 'dump'));
    written.push(globals.key);
    for (const database of request.databases) {
      const dumped = await dumpOne(request, label, database, path.join(spool, 'dump'));
      databases.push(dumped);
      written.push(dumped.key);
      request.onDatabase?.(dumped);
    }
  } catch (error) {
    // Without a manifest they are no dump, and would only take room.
    for (const key of written) await repository.store.delete(key).catch(() => undefined);
    throw spoolFailure(error, request.spoolDirectory, 'dump');
  } finally {
    await removeSpool(spool);
  }
  const manifest: DumpManifest = {
    format: formatOf({ databases }),
    label,
    cluster: request.clusterName,
    systemIdentifier: source.systemIdentifier,
    serverVersion: source.serverVersion,
    programVersion: request.program.version,
    tool: request.tool,
    startedAt: startedAt.toISOString(),
    finishedAt: clock.now().toISOString(),
    selection: request.selection,
    leftOut: request.leftOut,
    globals,
    databases,
  };
  await writeDumpManifest(repository, keyPrefix, manifest);
  return manifest;
}

async function dumpOne(request: DumpRequest, label: string, database: string, place: string): Promise<DumpedDatabase> {
  const { keyPrefix, program, parameters, env, signal, clock, source, selection, format = 'custom', jobs } = request;
  const properties = source.properties.get(database);
  const startedAt = clock.now().toISOString();
  const call = { program, parameters: { ...parameters, database }, env, signal };
  // What finds nothing would be passed over in silence, and the manifest has it among what is here.
  const strictNames = selection.tables.length > 0 && request.databases.length === 1;
  const wanted = { schemaOnly: selection.schemaOnly, tablePattern: [...selection.tables], ...(strictNames ? { strictNames } : {}) };
  // What lies there is read at once and then removed: nobody needs it to outlive a power cut, and there may be thousands of files.
  const warnings = await dumpToFile(
    call,
    place,
    format === 'custom' ? wanted : { ...wanted, format, noSync: true, ...(jobs === undefined ? {} : { jobs }) },
  );
  for (const text of warnings) request.onWarning?.({ database, text });
  const body = format === 'custom' ? await fileBody(place) : await archiveOf(place);
  const stored = await store(request, dumpKey(keyPrefix, label, database, format), place, body);
  return {
    database,
    ...(format === 'custom' ? {} : { format }),
    ...(properties === undefined ? {} : { properties }),
    ...stored,
    startedAt,
    finishedAt: clock.now().toISOString(),
  };
}

async function storeGlobals(request: DumpRequest, key: string, file: string): Promise<DumpedObject> {
  const { globalsProgram: program, parameters, env, signal } = request;
  await dumpGlobals({ program, parameters, env, signal }, file);
  await appendFile(file, settingsOfAllText(request.source.settingsOfAll));
  return await store(request, key, file, await fileBody(file));
}

/** Moves what was spooled at `place` into the repository. */
async function store({ repository, signal }: DumpRequest, key: string, place: string, plain: StorableBody): Promise<DumpedObject> {
  const sealed = `${place}.sealed`;
  const body = untilAborted(await sealedBody(repository, key, untilAborted(plain, signal), sealed), signal);
  const hashes = await hashOf(body);
  const { sizeBytes } = body;
  const stream = { [Symbol.asyncIterator]: () => body.read()[Symbol.asyncIterator]() };
  await repository.store.create(key, { stream, sizeBytes, replayable: true });
  for (const each of [sealed, place]) await rm(each, { recursive: true, force: true });
  return { key, sizeBytes, ...hashes };
}

/** The same, that fails with the signal's reason between two pieces: all of it may take hours, and what a store does not get whole it does not keep. */
function untilAborted(body: StorableBody, signal: AbortSignal | undefined): StorableBody {
  return {
    sizeBytes: body.sizeBytes,
    read: async function* () {
      for await (const piece of body.read()) {
        signal?.throwIfAborted();
        yield piece;
      }
    },
  };
}

async function hashOf(body: StorableBody): Promise<{ readonly blake3: string; readonly sha256: string }> {
  const blake3 = new Blake3();
  const sha256 = createHash('sha256');
  for await (const piece of body.read()) {
    blake3.update(piece);
    sha256.update(piece);
  }
  return { blake3: blake3.digest().toString('hex'), sha256: sha256.digest('hex') };
}
