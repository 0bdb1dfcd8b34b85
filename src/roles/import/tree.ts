/** A roles.yaml as a value, before it is text. Keys stand in the order in which they are written; undefined ones are left out. */
export type Tree = string | number | boolean | readonly Tree[] | TreeMap;

export interface TreeMap {
  readonly [key: string]: Tree | undefined;
}

/** One name alone, several as a list. */
export function oneOrList(names: readonly string[]): Tree {
  const [only] = names;
  return names.length === 1 && only !== undefined ? only : names;
}

/** The map, or undefined when it has nothing in it. */
export function unlessEmpty<T extends TreeMap | readonly Tree[]>(value: T): T | undefined {
  return (Array.isArray(value) ? value : Object.values(value).filter((each) => each !== undefined)).length === 0 ? undefined : value;
}
