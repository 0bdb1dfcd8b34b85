import { DbadminError } from '../../base/errors.ts';
import type { SignIn } from '../auth/sign-in.ts';
import { ask, type Asking, type HttpAnswer } from './http-run.ts';
import { Session } from './session-run.ts';

/** One answer of the Web API, as received. */
export interface ApiPage {
  /** Path below /v1 with identifiers as `{id}`. */
  readonly endpoint: string;
  /** The whole request; it holds no token. */
  readonly url: string;
  readonly status: number;
  readonly fetchedAt: Date;
  readonly text: string;
  readonly body: Readonly<Record<string, unknown>>;
}

const MAX_PAGE_BYTES = 32 * 1024 * 1024;

/** Asks the Web API in one person's name. */
export class ApiClient {
  readonly #session: Session;
  readonly #asking: Asking;

  constructor(signIn: SignIn, asking: Asking, keep: (signIn: SignIn) => Promise<void>) {
    this.#session = new Session(signIn, asking, keep);
    this.#asking = asking;
  }

  get signIn(): SignIn {
    return this.#session.signIn;
  }

  /**
   * The page at `path` below the API (`me/top/artists`), or at the whole address that an earlier page gave as the next one.
   *
   * @throws {DbadminError} `api-refused` for 403 and other answers that asking again would not change, `api-failed`,
   * `sign-in-needed`.
   */
  async get(path: string, query: Readonly<Record<string, string>> = {}): Promise<ApiPage> {
    const url = this.#address(path, query);
    const endpoint = endpointOf(url, this.signIn.server.apiUrl);
    let token = await this.#session.accessToken();
    let answer = await this.#try(url, endpoint, token.reveal());
    if (answer.status === 401) {
      token = await this.#session.accessToken(token);
      answer = await this.#try(url, endpoint, token.reveal());
    }
    if (answer.status >= 300) throw refusal(endpoint, answer);
    const text = answer.body.toString();
    return { endpoint, url, status: answer.status, fetchedAt: answer.receivedAt, text, body: objectOf(text) ?? {} };
  }

  async #try(url: string, endpoint: string, token: string): Promise<HttpAnswer> {
    const headers = { authorization: `Bearer ${token}`, accept: 'application/json' };
    const isWhole = (answer: HttpAnswer): boolean => objectOf(answer.body.toString()) !== undefined;
    return await ask(this.#asking, { method: 'GET', url, headers, name: endpoint, maxBytes: MAX_PAGE_BYTES }, isWhole);
  }

  #address(path: string, query: Readonly<Record<string, string>>): string {
    const { apiUrl } = this.signIn.server;
    const isWhole = /^https?:/.test(path);
    if (isWhole && !path.startsWith(`${apiUrl}/`)) {
      throw new DbadminError('api-failed', 'the next page is said to be on another server', {
        detail: `A token for ${new URL(apiUrl).host} is not sent to ${URL.canParse(path) ? new URL(path).host : 'it'}.`,
      });
    }
    const url = new URL(isWhole ? path : `${apiUrl}/${path}`);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    return url.href;
  }
}

/** Names of the API's paths; what stands between them are identifiers. */
const PATH_WORDS = new Set(
  'me player recently-played devices top artists tracks albums playlists items following shows episodes users search'.split(' '),
);

/** `https://…/v1/playlists/37i9/items?limit=50` is `playlists/{id}/items`. */
export function endpointOf(url: string, apiUrl: string): string {
  const path = new URL(url).pathname.slice(new URL(apiUrl).pathname.length + 1);
  return path
    .split('/')
    .map((part) => (PATH_WORDS.has(part) ? part : '{id}'))
    .join('/');
}

function objectOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

function refusal(endpoint: string, answer: HttpAnswer): DbadminError {
  const error = objectOf(answer.body.toString())?.['error'];
  const said = typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : '';
  return new DbadminError('api-refused', `${endpoint} was refused with status ${answer.status}${said === '' ? '' : ` (${said})`}`, {
    hint: answer.status === 403 ? 'The app or the sign-in may not read this; asking again does not change it.' : undefined,
  });
}
