/**
 * The one text of a JSON value: no spaces, the keys of every object in ascending order of their UTF-16 code units. What is
 * signed is this text, so that a report can be laid out anew and still be verified.
 *
 * Of RFC 8785 as far as reports go: numbers are those of JavaScript, keys with an undefined value are left out.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8785
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((each) => canonicalJson(each ?? null)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value)
    .filter(([, each]) => each !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${canonicalJson(each)}`).join(',')}}`;
}
