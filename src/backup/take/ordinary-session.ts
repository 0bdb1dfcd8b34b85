import type { Sql } from 'postgres';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { openSession, UNTIMED_SETTINGS } from '../../postgres/session-client.ts';

/** The ordinary connection of a backup, for what the replication connection cannot be asked: opened when it is first needed. */
export class OrdinarySession {
  readonly #parameters: ConnectionParameters;
  #opening: Promise<Sql> | undefined;

  constructor(parameters: ConnectionParameters) {
    this.#parameters = parameters;
  }

  /** @throws {DbadminError} as openClient; the next call tries again. */
  async open(): Promise<Sql> {
    this.#opening ??= openSession(this.#parameters, UNTIMED_SETTINGS, { applicationName: 'dbadmin backup' });
    try {
      return await this.#opening;
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
  }

  /** Ends the connection, if there is one; {@link OrdinarySession.open} makes another. Never throws. */
  async close(): Promise<void> {
    const opening = this.#opening;
    this.#opening = undefined;
    try {
      await (await opening)?.end({ timeout: 1 });
    } catch {
      // What did not open need not be ended.
    }
  }
}
