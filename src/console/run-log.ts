/** A line that a command printed. `number` counts from 1. */
export interface LogLine {
  readonly number: number;
  /** ISO 8601, by the console's clock. */
  readonly at: string;
  readonly text: string;
}

const LONGEST_LINE = 2000;

/** What a run prints, in bounded memory: its newest lines, numbered, each of at most 2,000 characters. */
export class RunLog {
  readonly #mostCharacters: number;
  readonly #now: () => Date;
  readonly #lines: LogLine[] = [];
  readonly #open: Record<'stdout' | 'stderr', string> = { stdout: '', stderr: '' };
  #characters = 0;
  #count = 0;

  constructor(mostCharacters: number, now: () => Date) {
    this.#mostCharacters = mostCharacters;
    this.#now = now;
  }

  /** Text as it came, in pieces of any size; whole lines of the two streams never mix. */
  add(text: string, stream: 'stdout' | 'stderr'): void {
    const parts = (this.#open[stream] + text).split(/\r\n|[\r\n]/);
    this.#open[stream] = (parts.pop() ?? '').slice(0, LONGEST_LINE + 1);
    for (const part of parts) this.#push(part);
  }

  /** The last line may have had no end. */
  end(): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      if (this.#open[stream] !== '') this.#push(this.#open[stream]);
      this.#open[stream] = '';
    }
  }

  /** The lines after that number, as far as they are kept. */
  after(number: number): readonly LogLine[] {
    return this.#lines.filter((line) => line.number > number);
  }

  /** All that is kept. */
  text(): string {
    return this.#lines.map(({ text }) => text).join('\n');
  }

  #push(text: string): void {
    const kept = text.length > LONGEST_LINE ? `${text.slice(0, LONGEST_LINE)}…` : text;
    this.#count += 1;
    this.#lines.push({ number: this.#count, at: this.#now().toISOString(), text: kept });
    this.#characters += kept.length + 1;
    while (this.#characters > this.#mostCharacters && this.#lines.length > 1)
      this.#characters -= (this.#lines.shift()?.text.length ?? 0) + 1;
  }
}
