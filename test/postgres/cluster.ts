import type { ConnectionParameters } from '../../src/postgres/parameters.ts';
import type { ServerPrograms } from '../../src/postgres/server.ts';

export interface ClusterOptions {
  readonly major?: number;
  /** Lines of postgresql.conf. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** Replaces pg_hba.conf. */
  readonly hba?: readonly string[];
  readonly checksums?: boolean;
  readonly walSegmentMegabytes?: number;
  /** SCRAM for TCP connections with this password of `postgres`; without it connections are trusted. */
  readonly password?: string;
}

/** A running cluster of a test's own, on a loopback port. */
export interface TestCluster {
  readonly provider: 'embedded' | 'testcontainers';
  readonly major: number;
  readonly host: string;
  readonly port: number;
  readonly superuser: string;
  readonly password: string | undefined;
  /** Data directory on this machine, or undefined when it is inside a container. */
  readonly dataDirectory: string | undefined;
  /** The programs it runs on, or undefined in a container. */
  readonly programs: ServerPrograms | undefined;
  /** `postgresql://…/database`. */
  url(database?: string, user?: string, password?: string): string;
  parameters(database?: string, user?: string, password?: string): ConnectionParameters;
  restart(): Promise<void>;
  /** SIGKILL to the postmaster and everything below it: the host is lost. The data directory stays. */
  crash(): Promise<void>;
  stop(): Promise<void>;
}
