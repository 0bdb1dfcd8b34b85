import { parseDuration } from '../../../../base/durations.ts';

/** The longest that anybody shall wait for a table: choices, for the address keeps one of them. */
export const LIMITS: readonly string[] = ['200ms', '500ms', '1s', '2s', '5s', '10s', '30s', '2min'];
const USUAL = '2s';

/** The chosen one, or the usual one where the address says something else. */
export function limitOf(chosen: string | undefined): { readonly text: string; readonly ms: number } {
  const text = LIMITS.find((each) => each === chosen) ?? USUAL;
  return { text, ms: parseDuration(text) };
}

/** `2s` as people write it. */
export function limitWords(limit: string): string {
  return limit.replace(/(\d)([a-z])/, '$1 $2');
}
