import type { DatabaseProperties } from './database-properties.ts';

/** What `manifest.json` of a dump holds: plain JSON, for a dump must be usable with pg_restore alone; sealed only where the repository is encrypted. */
export interface DumpManifest {
  /** 2 has a checksum behind everything here, which is made and checked by stored-dump.ts; 1 had none. */
  readonly format: 1 | 2;
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
  /** In pg_dump's custom format. */
  readonly databases: readonly DumpedDatabase[];
}

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
  /** `provider`: it belongs to who runs a managed server, who lets no customer connect to it. */
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
  /** Missing in dumps of before it was kept. */
  readonly properties?: DatabaseProperties;
  readonly startedAt: string;
  readonly finishedAt: string;
}
