import type { DatabaseProperties } from './database-properties.ts';

/** What `manifest.json` of a dump holds: plain JSON, for a dump must be usable with pg_restore alone; sealed only where the repository is encrypted. */
export interface DumpManifest {
  /** 2 has a checksum behind everything here, which is made and checked by stored-dump.ts; 1 had none. 3 is 2 with a database in the directory format, which older tools would take for a custom one. */
  readonly format: 1 | 2 | 3;
  readonly label: string;
  readonly cluster: string;
  readonly systemIdentifier: string;
  /** As the server says it: `17.10`. */
  readonly serverVersion: string;
  /** As pg_dump says it. */
  readonly programVersion: string;
  readonly tool: string;
  /** ISO 8601, UTC. Each database is consistent in itself, as of when its dump began; two databases are not of one moment. */
  readonly startedAt: string;
  readonly finishedAt: string;
  /** Missing in dumps of before it was kept: of those nobody knows whether they hold definitions or single tables only. */
  readonly selection?: DumpSelection;
  /** Every database that was there and is not in it, but for template0 and template1. Missing where `selection` is. */
  readonly leftOut?: readonly LeftOutDatabase[];
  /** Roles without their passwords, memberships, tablespaces, settings of roles: SQL for psql. */
  readonly globals: DumpedObject;
  readonly databases: readonly DumpedDatabase[];
}

/** Of pg_dump: `custom` is one file, `directory` one for each table, which several connections write at once; it is stored as one archive. */
export type DumpFormat = 'custom' | 'directory';

/** What a dump was asked for. */
export interface DumpSelection {
  /** `all`: every one that is no template, and not the provider's own. */
  readonly databases: 'all' | readonly string[];
  /** Not to be dumped though all are asked for. */
  readonly excluded: readonly string[];
  /** Definitions without rows. */
  readonly schemaOnly: boolean;
  /** Patterns as pg_dump --table has them; with any, these tables and nothing else. */
  readonly tables: readonly string[];
}

/** Why a database cannot be dumped: the role may not connect to it, nobody may, or its DROP was interrupted. */
export type Obstacle = 'no-privilege' | 'no-connections' | 'drop-interrupted';

export interface LeftOutDatabase {
  readonly database: string;
  /** `provider`: it belongs to who runs a managed server, and nobody named it. */
  readonly reason: 'not-asked' | 'excluded' | 'template' | 'provider' | Obstacle;
}

export interface DumpedObject {
  /** Object key in the repository. */
  readonly key: string;
  readonly sizeBytes: number;
  /** BLAKE3-256 and SHA-256 of the object as it is stored, hex: one is ours, the other can be checked with any machine's own tools. */
  readonly blake3: string;
  readonly sha256: string;
}

export interface DumpedDatabase extends DumpedObject {
  readonly database: string;
  /** Missing: `custom`. */
  readonly format?: 'directory';
  /** Missing in dumps of before it was kept. */
  readonly properties?: DatabaseProperties;
  readonly startedAt: string;
  readonly finishedAt: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** What is wrong with a manifest as it was read, as a sentence; undefined when it can be restored by. Of format 1 nothing else proves that it is whole. */
export function problemOfDump(manifest: object): string | undefined {
  const { label, cluster, systemIdentifier, serverVersion, startedAt, finishedAt, globals, databases, selection, leftOut } =
    manifest as Fields;
  if (![label, cluster, systemIdentifier, serverVersion].every(isText)) return 'It does not say of what it is.';
  if (!isTime(startedAt) || !isTime(finishedAt)) return 'It does not say when it was taken.';
  if (!isDumped(globals) || !isListOf(databases, isDatabase)) return 'It does not say what it holds.';
  if (selection !== undefined && !isSelection(selection)) return 'It does not say what was asked for.';
  return leftOut === undefined || isListOf(leftOut, isLeftOut) ? undefined : 'It does not say what was left out.';
}

function isDatabase(value: unknown): boolean {
  const { database, format } = fieldsOf(value);
  return isDumped(value) && isText(database) && (format === undefined || format === 'directory');
}

function isDumped(value: unknown): boolean {
  const { key, sizeBytes, sha256 } = fieldsOf(value);
  return isText(key) && isText(sha256) && Number.isSafeInteger(sizeBytes);
}

function isSelection(value: unknown): boolean {
  const { databases, excluded, tables } = fieldsOf(value);
  return (databases === 'all' || isListOf(databases, isText)) && isListOf(excluded, isText) && isListOf(tables, isText);
}

function isLeftOut(value: unknown): boolean {
  return isText(fieldsOf(value)['database']);
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function isListOf(value: unknown, is: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(is);
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function isTime(value: unknown): boolean {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value));
}
