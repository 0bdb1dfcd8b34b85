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
  /** Roles without their passwords, memberships, tablespaces, settings of roles: SQL for psql. */
  readonly globals: DumpedObject;
  /** In pg_dump's custom format. */
  readonly databases: readonly DumpedDatabase[];
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
