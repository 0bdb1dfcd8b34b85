import type { Clock } from '../base/clock.ts';
import { DbadminError } from '../base/errors.ts';
import { commandLine, type Question, type Values } from './question.ts';
import { Turns } from './turns.ts';

/** What a command that was asked gave: the document of `--json`, and what it said beside. */
export interface Ran {
  readonly exitStatus: number;
  readonly document: unknown;
  /** Notes and warnings, as they would stand on stderr. */
  readonly notes: readonly string[];
}

/** Runs a reading command; failures are thrown. */
export type RunQuestion = (words: readonly string[], signal: AbortSignal) => Promise<Ran>;

export interface Answered extends Ran {
  /** As it can be typed, with `--json`. */
  readonly command: string;
  readonly askedAt: string;
  readonly tookMs: number;
  /** Of an answer that somebody got before: after so long it is made anew for whoever asks again. */
  readonly freshForMs?: number;
}

interface Going {
  readonly answer: Promise<Answered>;
  readonly stop: AbortController;
  askers: number;
}

const MOST_AT_ONCE = 4;
const MOST_WAITING = 200;
/** Of those that make a server: one, or whoever may only look could fill the machine with them. */
const MOST_COSTLY_AT_ONCE = 1;
const MOST_COSTLY_WAITING = 10;
/** So long a costly answer serves those who may not have it made anew. */
const COSTLY_KEEP_MS = 5 * 60_000;

/**
 * Answers questions by running their commands. Who asks what is being asked already shares that run; one that nobody waits
 * for any more is stopped.
 */
export class Asking {
  readonly #questions: ReadonlyMap<string, Question>;
  readonly #run: RunQuestion;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #going = new Map<string, Going>();
  readonly #kept = new Map<string, { readonly answer: Answered; readonly freshUntilMs: number; readonly untilMs: number }>();
  readonly #turns = new Turns(MOST_AT_ONCE, MOST_WAITING);
  readonly #costlyTurns = new Turns(MOST_COSTLY_AT_ONCE, MOST_COSTLY_WAITING);

  constructor(questions: readonly Question[], run: RunQuestion, clock: Pick<Clock, 'now'>) {
    this.#questions = new Map(questions.map((each) => [each.name, each]));
    this.#run = run;
    this.#clock = clock;
  }

  /** The command of a question. @throws {DbadminError} `usage` when there is none of that name, or it takes other values. */
  words(name: string, values: Values): readonly string[] {
    return this.#named(name).words(values);
  }

  /**
   * The answer; `signal` is of whoever asks. What costs a server is made anew for `mayRepeat` only; others get the answer of the
   * last minutes, which says when it was asked for.
   *
   * @throws what the command throws
   */
  async ask(name: string, values: Values, signal: AbortSignal, mayRepeat = true): Promise<Answered> {
    signal.throwIfAborted();
    const question = this.#named(name);
    const words = this.words(name, values);
    const isCostly = question.isCostly(values);
    const key = words.join('\0');
    const kept = this.#kept.get(key);
    const nowMs = this.#clock.now().getTime();
    if (kept !== undefined && nowMs < kept.freshUntilMs) return { ...kept.answer, freshForMs: kept.freshUntilMs - nowMs };
    if (kept !== undefined && nowMs < kept.untilMs && !mayRepeat) return kept.answer;
    let going = this.#going.get(key);
    if (going === undefined) {
      going = this.#begin(key, words, question.keepMs, isCostly);
      this.#going.set(key, going);
    }
    going.askers += 1;
    try {
      return await untilAborted(going.answer, signal);
    } finally {
      going.askers -= 1;
      if (going.askers === 0) {
        if (this.#going.get(key) === going) this.#going.delete(key);
        going.stop.abort(new DbadminError('interrupted', 'nobody waits for the answer any more'));
      }
    }
  }

  #named(name: string): Question {
    const question = this.#questions.get(name);
    if (question !== undefined) return question;
    throw new DbadminError('usage', `there is no question "${name.slice(0, 60)}"`);
  }

  #begin(key: string, words: readonly string[], keepMs: number, isCostly: boolean): Going {
    const stop = new AbortController();
    const answer = (isCostly ? this.#costly(words, stop.signal) : this.#answer(words, stop.signal)).then((answered) => {
      if (keepMs > 0 || isCostly) this.#keep(key, answered, keepMs, isCostly ? COSTLY_KEEP_MS : keepMs);
      return answered;
    });
    // Those who wait hear of it; when nobody does, nobody needs to.
    answer.catch(() => undefined);
    return { answer, stop, askers: 0 };
  }

  /** Those that wait for this take no place of those that answer at once. */
  async #costly(words: readonly string[], signal: AbortSignal): Promise<Answered> {
    await this.#costlyTurns.take(signal);
    try {
      return await this.#answer(words, signal);
    } finally {
      this.#costlyTurns.give();
    }
  }

  async #answer(words: readonly string[], signal: AbortSignal): Promise<Answered> {
    await this.#turns.take(signal);
    try {
      const asked = this.#clock.now();
      const ran = await this.#run(words, signal);
      const tookMs = this.#clock.now().getTime() - asked.getTime();
      return { command: commandLine([...words, '--json']), askedAt: asked.toISOString(), tookMs, ...ran };
    } finally {
      this.#turns.give();
    }
  }

  #keep(key: string, answer: Answered, freshMs: number, keepMs: number): void {
    const nowMs = this.#clock.now().getTime();
    for (const [other, { untilMs }] of this.#kept) if (untilMs <= nowMs) this.#kept.delete(other);
    this.#kept.set(key, { answer, freshUntilMs: nowMs + freshMs, untilMs: nowMs + keepMs });
  }
}

async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let leave = (): void => undefined;
  const left = new Promise<never>((_resolve, reject) => {
    leave = (): void =>
      reject(signal.reason instanceof Error ? signal.reason : new DbadminError('interrupted', 'the question was given up'));
    signal.addEventListener('abort', leave, { once: true });
  });
  try {
    return await Promise.race([work, left]);
  } finally {
    signal.removeEventListener('abort', leave);
  }
}
