import type { Position } from './document.ts';
import type { Problem, Untrusted, UntrustedEntry } from './untrusted.ts';

/**
 * Turns untrusted pieces into values and collects every problem on the way.
 *
 * A method that finds a problem notes it and gives undefined (or what could be read), so that reading goes on.
 */
export class Reader {
  readonly problems: Problem[] = [];

  problem(at: Position, message: string): undefined {
    this.problems.push({ at, message });
    return undefined;
  }

  /** The entries of a mapping whose keys are names the user chose. Nothing (`key:` alone) is an empty mapping. */
  entries(value: Untrusted | undefined, what: string): readonly UntrustedEntry[] {
    if (value === undefined || value.kind === 'nothing') return [];
    if (value.kind !== 'map') {
      this.problem(value.at, `${what} must be a mapping`);
      return [];
    }
    return value.entries;
  }

  /** The values of a mapping whose keys are ours; any other key is a problem. */
  fields<K extends string>(value: Untrusted | undefined, what: string, known: readonly K[]): Fields<K> {
    const found: Partial<Record<K, UntrustedEntry>> = {};
    for (const entry of this.entries(value, what)) {
      const key = known.find((each) => each === entry.key);
      if (key === undefined) this.problem(entry.keyAt, `${what} has no key "${entry.key}"; it may have ${known.join(', ')}`);
      else found[key] ??= entry;
    }
    return { at: value?.at ?? { line: 1, column: 1 }, get: (key) => found[key]?.value, keyAt: (key) => found[key]?.keyAt };
  }

  list(value: Untrusted | undefined, what: string): readonly Untrusted[] {
    if (value === undefined || value.kind === 'nothing') return [];
    if (value.kind !== 'list') {
      this.problem(value.at, `${what} must be a list`);
      return [];
    }
    return value.items;
  }

  /** A list, or one value that stands for a list of one. */
  oneOrMore(value: Untrusted | undefined): readonly Untrusted[] {
    if (value === undefined || value.kind === 'nothing') return [];
    return value.kind === 'list' ? value.items : [value];
  }

  text(value: Untrusted | undefined, what: string): string | undefined {
    if (value === undefined) return undefined;
    if (value.kind === 'text') return value.value;
    if (value.kind === 'number') return value.source;
    return this.problem(value.at, `${what} must be a text`);
  }

  /** A text that must be there. */
  required(value: Untrusted | undefined, what: string, at: Position): string | undefined {
    return value === undefined || value.kind === 'nothing' ? this.problem(at, `${what} is missing`) : this.text(value, what);
  }

  flag(value: Untrusted | undefined, what: string): boolean | undefined {
    if (value === undefined) return undefined;
    return value.kind === 'boolean' ? value.value : this.problem(value.at, `${what} must be true or false`);
  }

  integer(value: Untrusted | undefined, what: string): number | undefined {
    if (value === undefined) return undefined;
    const isInteger = value.kind === 'number' && Number.isSafeInteger(value.value);
    return isInteger ? value.value : this.problem(value.at, `${what} must be a whole number`);
  }

  oneOf<T extends string>(value: Untrusted | undefined, what: string, choices: readonly T[]): T | undefined {
    const text = this.text(value, what);
    if (text === undefined || value === undefined) return undefined;
    const choice = choices.find((each) => each === text);
    return choice ?? this.problem(value.at, `${what} is "${text}"; it may be ${choices.join(', ')}`);
  }

  /** An instant as ISO 8601 in UTC. A date alone is its first moment in UTC; a time needs its offset. */
  instant(value: Untrusted | undefined, what: string): string | undefined {
    const text = this.text(value, what);
    if (text === undefined || value === undefined) return undefined;
    const form = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2}))?$/;
    const time = form.test(text) ? Date.parse(text.replace(' ', 'T')) : Number.NaN;
    // The thirtieth of February would be read as the second of March.
    const day = Date.parse(text.slice(0, 10));
    const isReal = !Number.isNaN(time) && !Number.isNaN(day) && new Date(day).toISOString().startsWith(text.slice(0, 10));
    if (!isReal) return this.problem(value.at, `${what} is "${text}"; write 2027-01-31 or 2027-01-31T18:00:00+05:30`);
    return new Date(time).toISOString();
  }
}

/** What {@link Reader.fields} found: values by key. `at` is where the mapping begins. */
export interface Fields<K extends string> {
  readonly at: Position;
  get(key: K): Untrusted | undefined;
  keyAt(key: K): Position | undefined;
}
