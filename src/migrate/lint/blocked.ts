import { formatBytes } from '../../base/bytes.ts';
import type { Effect, Work } from '../effects/effect.ts';
import type { RelationFacts } from '../effects/known-objects.ts';
import { blockedBy } from '../effects/lock-modes.ts';
import { showRelation } from '../effects/relation-name.ts';

const WHILE: Readonly<Record<Exclude<Work, 'none'>, string>> = {
  scan: 'while all of it is read',
  build: 'while an index is built',
  rewrite: 'while all of it is written anew',
};

/** Who waits because of an effect, and how long: one sentence without its full stop. Undefined when nobody does. */
export function blockedSentence(
  { relation, lock, work }: Effect,
  facts: RelationFacts | undefined,
  inTransaction: boolean,
): string | undefined {
  const who = { nothing: undefined, writes: 'writes', 'reads+writes': 'reads and writes' }[blockedBy(lock)];
  if (who === undefined) return undefined;
  const end = inTransaction ? ', and until the transaction ends' : '';
  const until = work === 'none' ? 'queue behind this while it waits for running queries' : `wait ${WHILE[work]}`;
  return `${who} of ${showRelation(relation)}${sizeText(facts)} ${until}${end} (${lock})`;
}

/** ` (1.2 M rows, 214 MB)`. */
export function sizeText(facts: RelationFacts | undefined): string {
  if (facts === undefined) return '';
  const rows = facts.rows === undefined ? [] : [`${shortCount(facts.rows)} rows`];
  return ` (${[...rows, formatBytes(facts.sizeBytes)].join(', ')})`;
}

/** `9,999`, `120 k`, `1.2 M`. */
export function shortCount(number: number): string {
  if (number < 10_000) return number.toLocaleString('en');
  return number < 1_000_000 ? `${Math.round(number / 1000)} k` : `${(number / 1_000_000).toFixed(1)} M`;
}
