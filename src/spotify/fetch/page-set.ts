import { createHash } from 'node:crypto';
import { DbadminError } from '../../base/errors.ts';
import type { ApiPage } from '../api/run.ts';

/** What can be fetched. */
export const FETCH_KINDS = ['profile', 'recent', 'top', 'playlists', 'library', 'artists', 'devices'] as const;
export type FetchKind = (typeof FETCH_KINDS)[number];

/** Moments between which plays may be lost. */
export interface PossibleGap {
  readonly after: Date;
  readonly before: Date;
}

/** Pages that belong together: received whole or not at all. */
export interface PageSet {
  readonly listener: string;
  readonly kind: FetchKind | 'covers';
  /** Which part of it: `artists short_term`, a playlist's identifier. */
  readonly unit: string;
  readonly startedAt: Date;
  readonly items: number;
  readonly newestPlayedAt: Date | undefined;
  readonly gap: PossibleGap | undefined;
  readonly pages: readonly SetPage[];
}

/** A page without what can be had from its text. */
export type SetPage = Pick<ApiPage, 'endpoint' | 'url' | 'status' | 'fetchedAt' | 'text'>;

/** Whether answers have the fields of before February 2026, by the first that tells. */
export type KnownFieldSet = 'before' | 'after' | 'unknown';

/** The text of a set for landing: JSON on lines, the set first, then each page with its body as it was received. */
export function writePageSet(set: PageSet): string {
  const { pages, ...head } = set;
  const lines = [
    { format: 1, ...head, newestPlayedAt: head.newestPlayedAt ?? null, gap: head.gap ?? null, pages: pages.length },
    ...pages.map(({ endpoint, url, status, fetchedAt, text }) => ({ endpoint, url, status, fetchedAt, text })),
  ];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

/** @throws {DbadminError} `load-failed` when `text` is not such a set, whole. */
export function readPageSet(text: string, name: string): PageSet {
  try {
    const [first = '', ...rest] = text.split('\n').slice(0, -1);
    const head = JSON.parse(first) as Readonly<Record<string, unknown>>;
    if (head['format'] !== 1 || head['pages'] !== rest.length) throw new TypeError('its first line says something else');
    const gap = head['gap'] as { readonly after: string; readonly before: string } | null;
    const newest = head['newestPlayedAt'] as string | null;
    return {
      listener: String(head['listener']),
      kind: head['kind'] as PageSet['kind'],
      unit: String(head['unit']),
      startedAt: new Date(String(head['startedAt'])),
      items: Number(head['items']),
      newestPlayedAt: newest === null ? undefined : new Date(newest),
      gap: gap === null ? undefined : { after: new Date(gap.after), before: new Date(gap.before) },
      pages: rest.map((line) => {
        const page = JSON.parse(line) as { endpoint: string; url: string; status: number; fetchedAt: string; text: string };
        return { ...page, fetchedAt: new Date(page.fetchedAt) };
      }),
    };
  } catch (error) {
    throw new DbadminError('load-failed', `${name} is not a set of pages that dbadmin landed`, { cause: error });
  }
}

/** SHA-256 over the bodies: equal when the server said the same. */
export function contentHash(pages: readonly Pick<ApiPage, 'text'>[]): Buffer {
  const sha256 = createHash('sha256');
  // The length in front keeps two pages apart from one that looks like both.
  for (const { text } of pages) sha256.update(`${text.length}:`).update(text);
  return sha256.digest();
}

/** Names of fields that only one of the two field sets has. */
const BEFORE = /"(?:available_markets|popularity|followers|product|country)":/;
const AFTER = /"(?:account_id|item)":/;

/** Tells by the fields that only one of the sets has; a track is in nearly every answer, and before it had a popularity. */
export function fieldSetOf(pages: readonly Pick<ApiPage, 'text'>[]): KnownFieldSet {
  if (pages.some(({ text }) => BEFORE.test(text))) return 'before';
  return pages.some(({ text }) => AFTER.test(text) || /"duration_ms":|"type":"artist"/.test(text)) ? 'after' : 'unknown';
}
