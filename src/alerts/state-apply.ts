import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, messageOf, systemCodeOf } from '../base/errors.ts';
import { writeWholeFile } from '../base/whole-file.ts';
import { makeDirectories } from '../base/make-directories.ts';
import { settleOutbox } from './merge.ts';
import type { Queued } from './outbox.ts';
import { formatState, NO_ALERTS, parseState, type AlertState } from './state.ts';
import type { AlertStore, Change } from './store.ts';

/**
 * The state of alerts in a file of this machine: all there is without a control database, and while it is away. Never in a
 * repository: alerts tell that one is full.
 */
export class AlertFile implements AlertStore {
  readonly file: string;
  /** What could not be written: newer than the file. */
  #unwritten: AlertState | undefined;

  constructor(file: string) {
    this.file = file;
  }

  /** @throws {DbadminError} `file-unreadable`. */
  async read(): Promise<AlertState> {
    if (this.#unwritten !== undefined) return this.#unwritten;
    try {
      return parseState(await readFile(this.file, 'utf8'), this.file);
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes(systemCodeOf(error) ?? '')) return NO_ALERTS;
      if (error instanceof DbadminError) throw error;
      throw new DbadminError('file-unreadable', `cannot read the state of alerts ${this.file}`, { detail: messageOf(error), cause: error });
    }
  }

  /**
   * Keeps the state, and gives why it could not. Then it is kept in this process: people are told all the same, and not again
   * while the process lives.
   */
  async write(state: AlertState): Promise<string | undefined> {
    try {
      await makeDirectories(path.dirname(this.file), 0o700);
      await writeWholeFile(this.file, formatState(state), 0o600);
      this.#unwritten = undefined;
      return undefined;
    } catch (error) {
      this.#unwritten = state;
      const detail = error instanceof DbadminError ? error.detail : undefined;
      return `the state of alerts cannot be kept in ${this.file}: ${detail ?? messageOf(error)}`;
    }
  }

  async change(step: (before: AlertState) => AlertState): Promise<Change> {
    const state = step(await this.read());
    return { kind: 'taken', state, problem: await this.write(state) };
  }

  /** Nobody else tells by a file of this machine. */
  stillTells(): boolean {
    return true;
  }

  async settle(sent: readonly Queued[], left: readonly Queued[]): Promise<string | undefined> {
    const state = await this.read();
    return await this.write({ ...state, outbox: settleOutbox(state.outbox, sent, left) });
  }
}
