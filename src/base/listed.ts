/** A list that may make its elements when they are asked for; every array is one. */
export interface Listed<T> extends Iterable<T> {
  readonly length: number;
  at(n: number): T | undefined;
}

/** Elements of a list by their numbers there, in the order of the numbers. */
export class Selection<T> implements Listed<T> {
  readonly #list: Listed<T>;
  readonly #numbers: Uint32Array;

  constructor(list: Listed<T>, numbers: Uint32Array) {
    this.#list = list;
    this.#numbers = numbers;
  }

  get length(): number {
    return this.#numbers.length;
  }

  at(n: number): T | undefined {
    const number = this.#numbers.at(n);
    return number === undefined ? undefined : this.#list.at(number);
  }

  *[Symbol.iterator](): Generator<T, undefined> {
    for (const number of this.#numbers) {
      const element = this.#list.at(number);
      if (element !== undefined) yield element;
    }
  }
}

/** The elements of a list that a test lets through. */
export function selected<T>(list: Listed<T>, test: (element: T, n: number) => boolean): Selection<T> {
  const numbers = new Uint32Array(list.length);
  let count = 0;
  let n = 0;
  for (const element of list) {
    if (test(element, n)) {
      numbers[count] = n;
      count += 1;
    }
    n += 1;
  }
  return new Selection(list, numbers.slice(0, count));
}
