const LONGEST_LINE = 2000;

/**
 * The end of what a process prints, in bounded memory: whole lines of at most 2,000 characters each, the newest
 * `mostCharacters` of them. Carriage returns end a line, so that a progress display does not become one.
 */
export class LogTail {
  readonly #mostCharacters: number;
  #lines: string[] = [];
  #characters = 0;
  #open = '';
  #dropped = 0;
  #added = 0;

  constructor(mostCharacters: number) {
    this.#mostCharacters = mostCharacters;
  }

  /** Grows with everything that is printed: by it whoever shows the tail elsewhere knows whether there is anything new. */
  get version(): number {
    return this.#added;
  }

  add(text: string): void {
    this.#added += 1;
    const parts = (this.#open + text).split(/\r\n|[\r\n]/);
    this.#open = (parts.pop() ?? '').slice(0, LONGEST_LINE);
    for (const part of parts) this.#push(part);
  }

  /** What is kept; a first line says how many were left out. */
  text(): string {
    const lines = this.#open === '' ? this.#lines : [...this.#lines, this.#open];
    const head = this.#dropped === 0 ? [] : [`(${this.#dropped} earlier lines are not kept)`];
    return [...head, ...lines].join('\n');
  }

  /** The failure that a command of ours printed last, `error: …` without its first word, with what it said under it. */
  failure(): string | undefined {
    const lines = [...this.#lines, this.#open];
    const at = lines.findLastIndex((line) => line.startsWith('error: '));
    if (at < 0) return undefined;
    const below = lines.slice(at + 1).filter((line) => /^ {2}(detail: | {8})/.test(line));
    return [lines[at]?.slice('error: '.length) ?? '', ...below.map((line) => line.trim().replace(/^detail: /, ''))].join('; ');
  }

  #push(line: string): void {
    const kept = line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}…` : line;
    this.#lines.push(kept);
    this.#characters += kept.length + 1;
    while (this.#characters > this.#mostCharacters && this.#lines.length > 1) {
      this.#characters -= (this.#lines.shift()?.length ?? 0) + 1;
      this.#dropped += 1;
    }
  }
}

/** The text of a {@link LogTail} as lines, and how many were printed before the first of them. */
export function readTail(text: string): { readonly dropped: number; readonly lines: readonly string[] } {
  if (text === '') return { dropped: 0, lines: [] };
  const [head = '', ...rest] = text.split('\n');
  const dropped = /^\((\d+) earlier lines are not kept\)$/.exec(head)?.[1];
  return dropped === undefined ? { dropped: 0, lines: [head, ...rest] } : { dropped: Number(dropped), lines: rest };
}
