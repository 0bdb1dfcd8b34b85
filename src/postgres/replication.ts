import { DbadminError, messageOf } from '../base/errors.ts';
import { connectToWanted, type Standing } from './host-choice.ts';
import type { ResultSet } from './messages.ts';
import type { ConnectionParameters, HostAddress } from './parameters.ts';
import { createPhysicalSlot, dropSlot, readSlot, type CreateSlotOptions, type SlotPosition } from './replication-slots.ts';
import { logIn, type Login } from './replication-login.ts';
import { runSimpleQuery, runSimpleQueryBytes } from './simple-query.ts';
import { parseLsn } from './lsn.ts';
import { violation } from './messages.ts';
import { parseServerVersion, supportedMajor } from './server-version.ts';
import type { Wire } from './wire.ts';

export interface OpenReplicationOptions {
  readonly applicationName?: string;
  readonly signal?: AbortSignal | undefined;
}

export interface SystemIdentification {
  /** As PostgreSQL prints it: a 64-bit number that does not fit into a JavaScript number. */
  readonly systemIdentifier: string;
  readonly timeline: number;
  /** On a standby: what it has received or replayed. */
  readonly flushLsn: bigint;
}

export interface TimelineHistoryFile {
  readonly fileName: string;
  readonly content: Uint8Array;
}

/**
 * A connection that speaks the physical replication protocol. One command at a time; close it when done.
 *
 * @see https://www.postgresql.org/docs/current/protocol-replication.html
 */
export class ReplicationConnection {
  /** Messages in and out: for the commands that stream. */
  readonly wire: Wire;
  readonly parameters: ConnectionParameters;
  /** Which of the parameters' hosts answers. */
  readonly address: HostAddress;
  /** As `server_version_num` has it: 170010. */
  readonly serverVersion: number;
  readonly serverMajor: number;
  readonly encrypted: boolean;
  /** Whether the server was in recovery when the connection was made. */
  readonly isStandby: boolean;
  /** The process of the server that serves it, as it says itself. */
  readonly serverPid: number | undefined;

  private constructor(parameters: ConnectionParameters, login: Login) {
    this.wire = login.wire;
    this.address = login.address;
    this.parameters = parameters;
    this.encrypted = login.encrypted;
    this.serverPid = login.serverPid;
    this.isStandby = standingOf(login.parameterStatus).isStandby;
    this.serverVersion = parseServerVersion(login.parameterStatus.get('server_version') ?? '');
    this.serverMajor = supportedMajor(this.serverVersion);
  }

  /**
   * Connects to the first host that answers and is what `targetSessionAttrs` asks for.
   *
   * @throws {DbadminError} `connection-failed`, `credentials-wrong`; `privilege-missing` when pg_hba.conf or the role's
   * attributes forbid replication, with the line that would allow it; `server-unsupported` for other majors than 14 to 18.
   */
  static async open(parameters: ConnectionParameters, options: OpenReplicationOptions = {}): Promise<ReplicationConnection> {
    const login = await connectToWanted<Login>(parameters, {
      connect: async (address) => await logIn(parameters, address, options.applicationName ?? parameters.applicationName, options.signal),
      standingOf: ({ parameterStatus }) => standingOf(parameterStatus),
      close: async ({ wire }) => await wire.close(),
    });
    return await ReplicationConnection.#from(parameters, login);
  }

  static async #from(parameters: ConnectionParameters, login: Login): Promise<ReplicationConnection> {
    try {
      return new ReplicationConnection(parameters, login);
    } catch (error) {
      await login.wire.close();
      throw error;
    }
  }

  /**
   * Runs a replication command or SHOW that answers with rows.
   *
   * @throws {PostgresError} what the server said. The connection stays usable unless it was FATAL.
   */
  async query(sql: string): Promise<ResultSet[]> {
    return await runSimpleQuery(this.wire, sql);
  }

  async identifySystem(): Promise<SystemIdentification> {
    const row = await this.#row('IDENTIFY_SYSTEM');
    return { systemIdentifier: row[0] ?? '', timeline: Number(row[1]), flushLsn: parseLsn(row[2] ?? '') };
  }

  /** The value of a setting, as SHOW prints it. */
  async show(name: string): Promise<string> {
    const [value] = await this.#row(`SHOW ${name}`);
    return value ?? '';
  }

  /** The history file of a timeline after the first. */
  async timelineHistory(timeline: number): Promise<TimelineHistoryFile> {
    try {
      const [row] = await runSimpleQueryBytes(this.wire, `TIMELINE_HISTORY ${timeline}`);
      if (row?.[0] === undefined || row[1] === undefined) throw violation('TIMELINE_HISTORY gave no row');
      return { fileName: row[0].toString('utf8'), content: row[1] };
    } catch (error) {
      throw this.failure(`cannot read the history of timeline ${timeline}`, error);
    }
  }

  /** Creates a physical slot. @throws {DbadminError} `query-failed`; the cause has SQLSTATE 42710 when it exists, 53400 when none is free. */
  async createPhysicalSlot(name: string, options: CreateSlotOptions): Promise<void> {
    await createPhysicalSlot(this, name, options);
  }

  /**
   * Where a physical slot holds the WAL, or undefined when there is no such slot or it holds none.
   *
   * @throws {DbadminError} `query-failed` when it is a logical slot.
   */
  async readSlot(name: string): Promise<SlotPosition | undefined> {
    return await readSlot(this, name);
  }

  /** Drops a slot; one in use is refused. */
  async dropSlot(name: string): Promise<void> {
    await dropSlot(this, name);
  }

  async close(): Promise<void> {
    await this.wire.close();
  }

  /** Cuts the connection: whatever runs on it fails with `reason`. */
  destroy(reason: Error): void {
    this.wire.destroy(reason);
  }

  /** What went wrong with a command, as ours; our own errors pass. */
  failure(message: string, error: unknown): DbadminError {
    if (error instanceof DbadminError) return error;
    return new DbadminError('query-failed', message, { detail: `The server said: ${messageOf(error)}`, cause: error });
  }

  async #row(sql: string): Promise<readonly (string | undefined)[]> {
    try {
      const [result] = await this.query(sql);
      const row = result?.rows[0];
      if (row === undefined) throw violation(`${sql} gave no row`);
      return row;
    } catch (error) {
      throw this.failure(`${sql} failed`, error);
    }
  }
}

function standingOf(status: ReadonlyMap<string, string>): Standing {
  const isStandby = status.get('in_hot_standby') === 'on';
  return { isStandby, isReadOnly: isStandby || status.get('default_transaction_read_only') === 'on' };
}
