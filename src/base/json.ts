/** JSON of a result: bigint as text, Map as object, so no value is lost or refused. On one line unless indented. */
export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(
    value,
    (_key, entry: unknown) => {
      if (typeof entry === 'bigint') return entry.toString();
      if (entry instanceof Map) return Object.fromEntries(entry) as unknown;
      return entry;
    },
    indent,
  );
}
