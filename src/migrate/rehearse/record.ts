import { createHash } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { DbadminError, messageOf } from '../../base/errors.ts';
import { makeDirectories } from '../../base/make-directories.ts';
import { LOCK_MODES } from '../effects/lock-modes.ts';
import { statementSha, type Statement } from '../files/migration.ts';

const lockSchema = z
  .object({
    /** `schema.name`, quoted where it must be. */
    relation: z.string(),
    /** `table`, `index`, `view`, `materialized view`, `sequence`, `partitioned table` …, in PostgreSQL's words. */
    relationKind: z.string(),
    /** Whose queries meet the lock: the table of an index, otherwise the relation itself. */
    table: z.string(),
    mode: z.enum(LOCK_MODES),
    /** From the beginning of the statement that took it until it was given up: at the commit, as a rule. */
    heldMs: z.number(),
    /** Size and estimated rows of the relation when the lock was first seen; null where neither is known. */
    sizeBytes: z.number().nullable(),
    rows: z.number().nullable(),
  })
  .readonly();

const rewriteSchema = z.object({ relation: z.string(), kind: z.enum(['table', 'index', 'toast']) }).readonly();

const statementSchema = z
  .object({
    /** The file it stands in, as messages name it. */
    file: z.string(),
    number: z.number(),
    line: z.number(),
    /** {@link statementSha} of it, 64 hex digits. */
    sha256: z.string(),
    command: z.string(),
    object: z.string().nullable(),
    /** Its beginning, on one line. */
    text: z.string(),
    tookMs: z.number(),
    walBytes: z.number(),
    /** Rows inserted, updated and deleted, those of triggers and functions included; null where nobody could count. */
    rows: z.number().nullable(),
    /** `exact`: read in its transaction. `sampled`: read from beside while it ran, since it has no transaction. */
    seen: z.enum(['exact', 'sampled']),
    /** Locks that it took, or made stronger, on what was there before its file. */
    locks: z.array(lockSchema).readonly(),
    rewrites: z.array(rewriteSchema).readonly(),
  })
  .readonly();

const blockSchema = z
  .object({
    ms: z.number(),
    mode: z.enum(LOCK_MODES),
    /** Places among the statements of the file, from 0: of the one that took the lock, and of the one that took longest while it was held. */
    by: z.number(),
    longest: z.number(),
  })
  .readonly();

const fileSchema = z
  .object({
    kind: z.enum(['versioned', 'routines']),
    /** Null for the routines, which are applied together. */
    version: z.string().nullable(),
    path: z.string(),
    transaction: z.boolean(),
    /** Applied whole; false for the one that failed. */
    applied: z.boolean(),
    tookMs: z.number(),
    walBytes: z.number(),
    /** Writing the history and COMMIT, deferred constraints and triggers included. */
    commitMs: z.number(),
    statements: z.array(statementSchema).readonly(),
    /** The longest that each table's readers and writers would have waited; null where they would not. */
    blocked: z.array(z.object({ table: z.string(), reads: blockSchema.nullable(), writes: blockSchema.nullable() }).readonly()).readonly(),
  })
  .readonly();

const recordSchema = z
  .object({
    format: z.literal(1),
    /** When it was over, ISO 8601. */
    at: z.string(),
    tool: z.string(),
    cluster: z.string(),
    database: z.string(),
    /** The role that the files ran as. */
    user: z.string(),
    serverVersion: z.string(),
    /** Label of the backup, and in words the moment that it was rolled forward to. */
    backup: z.string(),
    moment: z.string(),
    restoreMs: z.number(),
    files: z.array(fileSchema).readonly(),
    warnings: z.array(z.string()).readonly(),
  })
  .readonly();

export type RehearsedLock = z.infer<typeof lockSchema>;
export type Rewrite = z.infer<typeof rewriteSchema>;
export type RehearsedStatement = z.infer<typeof statementSchema>;
export type Block = z.infer<typeof blockSchema>;
export type RehearsedFile = z.infer<typeof fileSchema>;
/** What a rehearsal measured. Times and WAL are those of the machine that it ran on. */
export type RehearsalRecord = z.infer<typeof recordSchema>;

/**
 * Where the last rehearsal of a database is kept: in the user's state directory (`$XDG_STATE_HOME/dbadmin`), named after the
 * cluster and what else tells projects apart.
 */
export function rehearsalFile(
  env: Readonly<Record<string, string | undefined>>,
  of: { readonly project: string; readonly cluster: string; readonly database: string },
): string {
  const state = env['XDG_STATE_HOME'];
  const directory = state === undefined || state === '' ? path.join(os.homedir(), '.local', 'state') : state;
  const digest = createHash('sha256')
    .update(JSON.stringify([of.project, of.cluster, of.database]))
    .digest('hex')
    .slice(0, 12);
  return path.join(directory, 'dbadmin', `rehearsal-${of.cluster.replaceAll(/[^\w-]/g, '_')}-${digest}.json`);
}

/** @throws {DbadminError} `file-unwritable`. */
export async function writeRehearsal(file: string, record: RehearsalRecord): Promise<void> {
  try {
    await makeDirectories(path.dirname(file), 0o700);
    const beside = `${file}.${process.pid}`;
    await writeFile(beside, `${JSON.stringify(record, undefined, 2)}\n`, { mode: 0o600 });
    await rename(beside, file);
  } catch (error) {
    throw new DbadminError('file-unwritable', `cannot write the rehearsal to ${file}`, { detail: messageOf(error), cause: error });
  }
}

/** What {@link writeRehearsal} wrote. Undefined when there is nothing, or nothing this version understands: it can be measured again. */
export async function readRehearsal(file: string): Promise<RehearsalRecord | undefined> {
  try {
    return recordSchema.safeParse(JSON.parse(await readFile(file, 'utf8'))).data;
  } catch {
    return undefined;
  }
}

/** Gives what was measured for a statement: of this version (undefined for routines), with this number and exactly this text. */
export function rehearsedStatements(
  record: RehearsalRecord,
): (version: string | undefined, statement: Statement) => RehearsedStatement | undefined {
  const key = (version: string | null, number: number, sha256: string): string => `${version ?? ''} ${number} ${sha256}`;
  const found = new Map(
    record.files.flatMap(({ version, statements }) => statements.map((each) => [key(version, each.number, each.sha256), each] as const)),
  );
  return (version, statement) => found.get(key(version ?? null, statement.number, statementSha(statement)));
}
