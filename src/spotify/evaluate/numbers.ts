/** Numbers that keep coming, without an object for each: a typed array that doubles when it is full. */
export class GrowingNumbers<T extends Int32Array | Uint32Array | Float64Array> {
  readonly #make: (length: number) => T;
  #values: T;
  #length = 0;

  constructor(make: (length: number) => T) {
    this.#make = make;
    this.#values = make(1024);
  }

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const longer = this.#make(2 * this.#length);
      longer.set(this.#values);
      this.#values = longer;
    }
    this.#values[this.#length] = value;
    this.#length += 1;
  }

  /** What has come so far; a copy. */
  take(): T {
    return this.#values.slice(0, this.#length) as T;
  }
}

export const growingInt32 = (): GrowingNumbers<Int32Array> => new GrowingNumbers((length) => new Int32Array(length));
export const growingUint32 = (): GrowingNumbers<Uint32Array> => new GrowingNumbers((length) => new Uint32Array(length));
export const growingFloat64 = (): GrowingNumbers<Float64Array> => new GrowingNumbers((length) => new Float64Array(length));

/** The number of a name: names are numbered from 0 as they come. */
export function numberOf(numbers: Map<string, number>, name: string): number {
  const known = numbers.get(name);
  if (known !== undefined) return known;
  numbers.set(name, numbers.size);
  return numbers.size - 1;
}
