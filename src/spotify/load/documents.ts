import type { Layout, Recognised, SourceFormat } from './formats.ts';

/** A row of a document: where it stands in it, as keys and numbers, and what lands. */
export interface DocumentEntry {
  readonly path: readonly (string | number)[];
  readonly list: string | undefined;
  readonly value: unknown;
}

/** What a document holds. Of pages there is one, with how it was asked for. */
export type DocumentContent =
  | { readonly kind: 'library' | 'playlist'; readonly entries: readonly DocumentEntry[] }
  | { readonly kind: 'page'; readonly page: Page };

/** An answer of the Web API. */
export interface Page {
  /** Path below /v1, identifiers as {id}. */
  readonly endpoint: string;
  readonly url: string;
  readonly status: number;
  /** ISO 8601; undefined when the page does not say. */
  readonly fetchedAt: string | undefined;
  readonly body: unknown;
}

type Fields = Readonly<Record<string, unknown>>;

/** What one JSON object is: playlists or library of an account export, or a page of the Web API; undefined for anything else. */
export function readDocument(value: unknown): DocumentContent | undefined {
  if (!isFields(value)) return undefined;
  const page = readPage(value);
  if (page !== undefined) return { kind: 'page', page };
  if (Array.isArray(value['playlists'])) return { kind: 'playlist', entries: playlistEntries(value['playlists']) };
  if (Array.isArray(value['tracks']) && (Array.isArray(value['albums']) || Array.isArray(value['artists']))) {
    return { kind: 'library', entries: libraryEntries(value) };
  }
  return undefined;
}

/** {@link readDocument} in the words of a recognised file. */
export function recogniseDocument(value: unknown, encoding: string): Recognised {
  const content = readDocument(value);
  if (content === undefined) {
    return { kind: 'unknown', reason: 'is JSON, but neither a page of the Web API nor playlists or the library of an account export' };
  }
  const kind: SourceFormat = content.kind;
  const layout: Layout | undefined = kind === 'playlist' ? 'account_export' : undefined;
  const isPersonal = content.kind !== 'page' || /^me(\/|$)/.test(content.page.endpoint);
  return { kind, form: { kind: 'document' }, layout, encoding, isPersonal };
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const API = /^https?:\/\/[^/]+\/v1\/([^?#]+)/;

/** The path of a request below /v1, with identifiers as {id}; undefined when there is no /v1 in it. */
export function endpointOf(url: string): string | undefined {
  return API.exec(url)?.[1]
    ?.split('/')
    .filter((part) => part !== '')
    .map((part, at, parts) => (/^[0-9A-Za-z]{22}$/.test(part) || (at > 0 && parts[at - 1] === 'users') ? '{id}' : part))
    .join('/');
}

/** Either our envelope {url, status, fetched_at, body}, or what the Web API answers and names itself in href. */
function readPage(value: Fields): Page | undefined {
  const { url, href } = value as { readonly url?: unknown; readonly href?: unknown };
  if (typeof url === 'string' && 'body' in value) {
    const endpoint = endpointOf(url);
    if (endpoint === undefined) return undefined;
    const status = Number(value['status'] ?? 200);
    const fetchedAt = typeof value['fetched_at'] === 'string' ? value['fetched_at'] : undefined;
    return { endpoint, url, status, fetchedAt, body: value['body'] };
  }
  if (typeof href !== 'string') return undefined;
  const endpoint = endpointOf(href);
  return endpoint === undefined ? undefined : { endpoint, url: href, status: 200, fetchedAt: undefined, body: value };
}

function playlistEntries(playlists: readonly unknown[]): readonly DocumentEntry[] {
  return playlists.flatMap((playlist, at) => {
    if (!isFields(playlist) || !Array.isArray(playlist['items'])) return [];
    const { items, ...about } = playlist;
    return (items as readonly unknown[]).map((item, nth) => ({
      path: ['playlists', at, 'items', nth],
      list: undefined,
      value: { playlist: about, item },
    }));
  });
}

function libraryEntries(library: Fields): readonly DocumentEntry[] {
  return Object.entries(library).flatMap(([list, items]) =>
    Array.isArray(items) ? items.map((value: unknown, nth) => ({ path: [list, nth], list, value })) : [],
  );
}
