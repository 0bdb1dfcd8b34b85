import { randomUUID } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { formatDuration } from '../base/durations.ts';
import { DbadminError, messageOf } from '../base/errors.ts';
import { DIFFERS, IN_PART, NOT_EXPIRED } from '../base/exit-status.ts';
import { lastSaid } from '../base/last-said.ts';
import type { Audit } from './guarded.ts';
import { commandLine } from './question.ts';
import { RunLog, type LogLine } from './run-log.ts';

/** How a command ended: `signal` when something ended it. */
export interface RunEnd {
  readonly status: number | null;
  readonly signal: string | null;
}

/** Runs a command of ours in a process of its own, as `--yes`, with all that the console's configuration may. */
export type RunCommandChild = (
  words: readonly string[],
  options: {
    readonly signal: AbortSignal;
    readonly onText: (text: string, stream: 'stdout' | 'stderr') => void;
    /** Who wants it, for what the command writes down of that. */
    readonly who: string;
  },
) => Promise<RunEnd>;

/** A run as screens know it. */
export interface RunDocument {
  readonly id: string;
  /** The action, `backups/run`. */
  readonly action: string;
  readonly command: string;
  readonly cluster: string | null;
  readonly who: string;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly state: 'running' | 'done' | 'partly' | 'failed' | 'stopped';
  readonly exitStatus: number | null;
  /** Why it failed, what of it was not done, or who stopped it. */
  readonly detail: string | null;
}

export interface RunRequest {
  readonly action: string;
  readonly words: readonly string[];
  readonly cluster: string | null;
  readonly who: string;
  readonly from: string;
}

interface Run {
  document: RunDocument;
  readonly log: RunLog;
  readonly stop: AbortController;
  readonly watchers: Set<() => void>;
  ended: Promise<void>;
}

/** Of each run so much of the end is kept. */
const LOG_CHARACTERS = 256 * 1024;
const MOST_KEPT = 50;
const MOST_AT_ONCE = 8;

/** The commands that were started here: what they print, how they ended, and a line of the audit trail before and after each. */
export class Runs {
  readonly #runs = new Map<string, Run>();
  readonly #start: RunCommandChild;
  readonly #audit: Audit;
  readonly #clock: Pick<Clock, 'now'>;
  #isClosing = false;

  constructor(start: RunCommandChild, options: { readonly audit: Audit; readonly clock: Pick<Clock, 'now'> }) {
    this.#start = start;
    this.#audit = options.audit;
    this.#clock = options.clock;
  }

  /** Newest first. */
  list(): readonly RunDocument[] {
    return [...this.#runs.values()].map(({ document }) => document).toReversed();
  }

  /** @throws {DbadminError} `usage` when there is none of that id, or it is forgotten. */
  get(id: string): RunDocument {
    return this.#named(id).document;
  }

  linesAfter(id: string, number: number): readonly LogLine[] {
    return this.#named(id).log.after(number);
  }

  /** Tells of each line and of the end, until the signal. */
  watch(id: string, watcher: () => void, signal: AbortSignal): void {
    const { watchers } = this.#named(id);
    watchers.add(watcher);
    signal.addEventListener('abort', () => void watchers.delete(watcher), { once: true });
  }

  /**
   * Writes down that it begins and starts it; `done` is called when it is over.
   *
   * @throws {DbadminError} `refused` when the console is about to end, `locked` when too much runs, `file-unwritable` when the
   * audit trail cannot be written: nothing was started then.
   */
  async start(request: RunRequest, done: () => void): Promise<RunDocument> {
    const running = [...this.#runs.values()].filter(({ document }) => document.state === 'running').length;
    if (this.#isClosing) throw new DbadminError('refused', 'the console is about to end');
    if (running >= MOST_AT_ONCE) throw new DbadminError('locked', `${running} commands run already`, { hint: 'Wait for one to end.' });
    const startedAt = this.#clock.now().toISOString();
    const { action, cluster, who, from } = request;
    const command = commandLine(request.words);
    const document: RunDocument = {
      id: randomUUID(),
      action,
      command,
      cluster,
      who,
      startedAt,
      endedAt: null,
      state: 'running',
      exitStatus: null,
      detail: null,
    };
    const log = new RunLog(LOG_CHARACTERS, () => this.#clock.now());
    const run: Run = { document, log, stop: new AbortController(), watchers: new Set(), ended: Promise.resolve() };
    this.#runs.set(document.id, run);
    try {
      await this.#audit({ id: document.id, who, from, what: command, cluster, outcome: 'begun', detail: null });
    } catch (error) {
      this.#runs.delete(document.id);
      throw error;
    }
    run.ended = this.#follow(run, request).finally(done);
    this.#forgetOld();
    return run.document;
  }

  /** Asks it to stop; `who` wants it. Nothing happens to one that is over. */
  stop(id: string, who: string): RunDocument {
    const run = this.#named(id);
    run.stop.abort(new DbadminError('interrupted', `stopped by ${who}`));
    return run.document;
  }

  /** Asks all that run to stop, and waits for them: they finish what must be finished. Gives how many there were. */
  async close(): Promise<number> {
    this.#isClosing = true;
    const running = [...this.#runs.values()].filter(({ document }) => document.state === 'running');
    for (const { stop } of running) stop.abort(new DbadminError('interrupted', 'the console was stopped'));
    await Promise.all(running.map(async ({ ended }) => await ended));
    return running.length;
  }

  async #follow(run: Run, { words, from }: RunRequest): Promise<void> {
    const tell = (): void => {
      for (const watcher of run.watchers) watcher();
    };
    const { signal } = run.stop;
    const onText = (text: string, stream: 'stdout' | 'stderr'): void => {
      run.log.add(text, stream);
      tell();
    };
    const end = await this.#start(words, { signal, onText, who: run.document.who }).catch((error: unknown) => messageOf(error));
    run.log.end();
    const endedAt = this.#clock.now();
    const how = typeof end === 'string' ? ({ state: 'failed', exitStatus: null, detail: end } as const) : outcomeOf(end, signal, run.log);
    run.document = { ...run.document, endedAt: endedAt.toISOString(), ...how };
    const { id, who, command, cluster, startedAt } = run.document;
    const took = `after ${formatDuration(endedAt.getTime() - new Date(startedAt).getTime())}`;
    const detail = how.detail === null ? took : `${took}: ${how.detail}`;
    // Its end is told even where it cannot be written down any more.
    const isDone = how.state === 'done' || how.exitStatus === NOT_EXPIRED;
    await this.#audit({ id, who, from, what: command, cluster, outcome: isDone ? 'done' : 'failed', detail }).catch(() => undefined);
    tell();
  }

  #named(id: string): Run {
    const run = this.#runs.get(id);
    if (run !== undefined) return run;
    throw new DbadminError('usage', 'there is no such run', { detail: 'The console remembers the last ones until it is started anew.' });
  }

  #forgetOld(): void {
    for (const [id, { document }] of this.#runs) {
      if (this.#runs.size <= MOST_KEPT) return;
      if (document.state !== 'running') this.#runs.delete(id);
    }
  }
}

function outcomeOf({ status, signal: by }: RunEnd, signal: AbortSignal, log: RunLog): Pick<RunDocument, 'state' | 'exitStatus' | 'detail'> {
  const stopped = signal.aborted ? messageOf(signal.reason) : null;
  // What is stopped and ends well has done what it had to, such as a receiver of WAL; what acts and finds a difference, what it was asked.
  if (status === 0 || status === DIFFERS) return { state: 'done', exitStatus: status, detail: stopped };
  if (stopped !== null) return { state: 'stopped', exitStatus: status, detail: stopped };
  const detail = lastSaid(log.text(), status) ?? (status === null ? `ended by ${by ?? 'a signal'}` : `ended with status ${status}`);
  return { state: status === IN_PART || status === NOT_EXPIRED ? 'partly' : 'failed', exitStatus: status, detail };
}
