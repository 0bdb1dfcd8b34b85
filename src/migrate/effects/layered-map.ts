/** As many entries are copied at most with each that is added. */
const RECENT = 64;

/** Names that are remembered, with what belongs to each. */
export interface Remembered<Value> extends Iterable<readonly [string, Value]> {
  get(key: string): Value | undefined;
  has(key: string): boolean;
}

/** Names that are remembered. */
export interface Names extends Iterable<string> {
  has(key: string): boolean;
}

/**
 * A map that is never changed: adding gives another one. A plain map copied for each of ten thousand statements takes ten seconds; this
 * one has a large layer that many share and a small one that is copied.
 */
export class LayeredMap<Value> implements Remembered<Value> {
  readonly #shared: ReadonlyMap<string, Value>;
  readonly #recent: ReadonlyMap<string, Value>;

  constructor(shared: ReadonlyMap<string, Value> = new Map(), recent: ReadonlyMap<string, Value> = new Map()) {
    this.#shared = shared;
    this.#recent = recent;
  }

  get(key: string): Value | undefined {
    return this.#recent.get(key) ?? this.#shared.get(key);
  }

  has(key: string): boolean {
    return this.#recent.has(key) || this.#shared.has(key);
  }

  *[Symbol.iterator](): Iterator<readonly [string, Value]> {
    yield* new Map([...this.#shared, ...this.#recent]);
  }

  with(key: string, value: Value): LayeredMap<Value> {
    if (this.#recent.size >= RECENT) return new LayeredMap(new Map([...this.#shared, ...this.#recent]), new Map([[key, value]]));
    return new LayeredMap(this.#shared, new Map(this.#recent).set(key, value));
  }

  /** Takes time with the number of entries where one of the keys is there. */
  without(keys: readonly string[]): LayeredMap<Value> {
    if (!keys.some((key) => this.has(key))) return this;
    const left = new Map(this);
    for (const key of keys) left.delete(key);
    return new LayeredMap(left);
  }
}

/** The same for names alone. */
export class LayeredSet implements Names {
  readonly #names: LayeredMap<true>;

  private constructor(names: LayeredMap<true>) {
    this.#names = names;
  }

  static readonly EMPTY = new LayeredSet(new LayeredMap());

  static of(names: Names): LayeredSet {
    return names instanceof LayeredSet ? names : new LayeredSet(new LayeredMap(new Map([...names].map((name) => [name, true as const]))));
  }

  has(key: string): boolean {
    return this.#names.has(key);
  }

  *[Symbol.iterator](): Iterator<string> {
    for (const [name] of this.#names) yield name;
  }

  with(key: string): LayeredSet {
    return new LayeredSet(this.#names.with(key, true));
  }

  without(keys: readonly string[]): LayeredSet {
    return new LayeredSet(this.#names.without(keys));
  }
}

/** `names` as a map that can be added to. */
export function layered<Value>(names: Remembered<Value>): LayeredMap<Value> {
  return names instanceof LayeredMap ? names : new LayeredMap(new Map(names));
}
