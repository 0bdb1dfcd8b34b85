import type { Clock } from '../base/clock.ts';
import { DbadminError } from '../base/errors.ts';
import { commandLine, type Question, type Values } from './question.ts';

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
}

interface Going {
  readonly answer: Promise<Answered>;
  readonly stop: AbortController;
  askers: number;
}

/** So many commands at once; others wait their turn. */
const MOST_AT_ONCE = 4;
const MOST_WAITING = 200;

/**
 * Answers questions by running their commands. Who asks what is being asked already shares that run; one that nobody waits
 * for any more is stopped.
 */
export class Asking {
  readonly #questions: ReadonlyMap<string, Question>;
  readonly #run: RunQuestion;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #going = new Map<string, Going>();
  readonly #kept = new Map<string, { readonly answer: Answered; readonly untilMs: number }>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(questions: readonly Question[], run: RunQuestion, clock: Pick<Clock, 'now'>) {
    this.#questions = new Map(questions.map((each) => [each.name, each]));
    this.#run = run;
    this.#clock = clock;
  }

  /** The command of a question. @throws {DbadminError} `usage` when there is none of that name, or it takes other values. */
  words(name: string, values: Values): readonly string[] {
    return this.#named(name).words(values);
  }

  /** The answer; `signal` is of whoever asks. @throws what the command throws */
  async ask(name: string, values: Values, signal: AbortSignal): Promise<Answered> {
    signal.throwIfAborted();
    const { keepMs } = this.#named(name);
    const words = this.words(name, values);
    const key = words.join('\0');
    const kept = this.#kept.get(key);
    if (kept !== undefined && this.#clock.now().getTime() < kept.untilMs) return kept.answer;
    let going = this.#going.get(key);
    if (going === undefined) {
      going = this.#begin(key, words, keepMs);
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

  #begin(key: string, words: readonly string[], keepMs: number): Going {
    const stop = new AbortController();
    const answer = this.#answer(words, stop.signal).then((answered) => {
      if (keepMs > 0) this.#keep(key, answered, keepMs);
      return answered;
    });
    // Those who wait hear of it; when nobody does, nobody needs to.
    answer.catch(() => undefined);
    return { answer, stop, askers: 0 };
  }

  async #answer(words: readonly string[], signal: AbortSignal): Promise<Answered> {
    await this.#turn(signal);
    try {
      const asked = this.#clock.now();
      const ran = await this.#run(words, signal);
      const tookMs = this.#clock.now().getTime() - asked.getTime();
      return { command: commandLine([...words, '--json']), askedAt: asked.toISOString(), tookMs, ...ran };
    } finally {
      // Whoever waits longest gets the place itself: nobody who comes meanwhile can take it.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }

  #keep(key: string, answer: Answered, keepMs: number): void {
    const now = this.#clock.now().getTime();
    for (const [other, { untilMs }] of this.#kept) if (untilMs <= now) this.#kept.delete(other);
    this.#kept.set(key, { answer, untilMs: now + keepMs });
  }

  async #turn(signal: AbortSignal): Promise<void> {
    if (this.#running < MOST_AT_ONCE) {
      this.#running += 1;
      return;
    }
    if (this.#waiting.length >= MOST_WAITING) throw new DbadminError('locked', 'too many questions wait for an answer already');
    await new Promise<void>((resolve, reject) => {
      const begin = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(begin), 1);
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.push(begin);
    });
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
