/** What `manifest.json` of a dump holds: plain JSON, for a dump must be usable with pg_restore alone. */
export interface DumpManifest {
  readonly format: 1;
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
  readonly databases: readonly DumpedDatabase[];
}

export interface DumpedDatabase {
  readonly database: string;
  /** Object key of the dump in pg_dump's custom format. */
  readonly key: string;
  readonly sizeBytes: number;
  /** BLAKE3-256 and SHA-256 of the object, hex: one is ours, the other can be checked with any machine's own tools. */
  readonly blake3: string;
  readonly sha256: string;
  readonly startedAt: string;
  readonly finishedAt: string;
}
