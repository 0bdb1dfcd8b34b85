import type { ConnectionParameters } from '../../src/postgres/parameters.ts';
import type { ServerPrograms } from '../../src/postgres/server.ts';

export type ProviderName = 'embedded' | 'testcontainers';

export interface ClusterOptions {
  /** 17 when left out. 15, 17 and 18 run in containers where Docker runs; 14 and 16 are embedded everywhere. */
  readonly major?: number;
  /** Lines of postgresql.conf. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** Replaces pg_hba.conf. `127.0.0.1/32` stands for where the test connects from, in a container too. */
  readonly hba?: readonly string[];
  readonly checksums?: boolean;
  readonly walSegmentMegabytes?: number;
  /** SCRAM for TCP connections with this password of `postgres`; without it connections are trusted. */
  readonly password?: string;
  /** Files laid into the data directory before the first start, by name: TLS keys, for instance. */
  readonly files?: Readonly<Record<string, string>>;
  /** Only where the test is about the provider itself: a data directory to look into, or programs in an image. */
  readonly provider?: ProviderName;
}

export interface ProgramResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running cluster of a test's own, on a loopback port. */
export interface TestCluster {
  readonly provider: ProviderName;
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
  /**
   * Runs a client program beside the server, as `postgres`: pg_waldump, pg_amcheck, psql. `$PGDATA` is set for `sh -c`.
   * Undefined on the embedded server, whose packages have none.
   */
  exec(program: string, args: readonly string[]): Promise<ProgramResult | undefined>;
  /** What the server has logged so far. */
  log(): Promise<string>;
  /** A clean stop and start, or the start after `crash`. The port stays. */
  restart(): Promise<void>;
  /** SIGKILL to the postmaster and everything below it: the host is lost. The data directory stays. */
  crash(): Promise<void>;
  /** Ends the server, running or not, and deletes its data directory. */
  stop(): Promise<void>;
}

/** What of a `TestCluster` follows from its address and password alone. */
export type ClusterAddress = Pick<TestCluster, 'host' | 'port' | 'superuser' | 'password' | 'url' | 'parameters'>;
