import { createHmac } from 'node:crypto';
import { messageOf } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import type { AlertMessage } from './message.ts';
import type { Delivery } from './outbox.ts';

export interface WebhookReceiver {
  readonly kind: 'webhook';
  /** A secret: with many services whoever knows it may post there. */
  readonly url: Secret;
  /** What messages are signed with; undefined sends them unsigned. */
  readonly secret: Secret | undefined;
}

const TIMEOUT_MS = 10_000;
/** Answers that mean this very message is not wanted. Others of 4xx are about the address or the sender, and can be mended. */
const REFUSALS: ReadonlySet<number> = new Set([400, 405, 406, 410, 411, 413, 414, 415, 422]);

/** Posts a message. Never throws; redirects are not followed, since what they lead to was never configured. */
export async function postWebhook(receiver: WebhookReceiver, message: AlertMessage, now: Date, signal: AbortSignal): Promise<Delivery> {
  const body = JSON.stringify(message);
  let url = '';
  try {
    url = receiver.url.reveal();
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': 'dbadmin', ...signatureHeaders(receiver.secret, message.id, now, body) },
      body,
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    await response.body?.cancel();
    if (response.ok) return { kind: 'delivered' };
    const why = `it answered ${response.status}${response.statusText === '' ? '' : ` ${response.statusText}`}`;
    return REFUSALS.has(response.status) ? { kind: 'refused', why } : { kind: 'delayed', why, afterMs: retryAfterMs(response, now) };
  } catch (error) {
    signal.throwIfAborted();
    return { kind: 'delayed', why: withoutAddress(error, url) };
  }
}

/**
 * The headers of Standard Webhooks: an id that stays the same when a message is sent again, the time of sending, and
 * `v1,` with the HMAC-SHA256 of `id.time.body` in base64. A secret that begins with `whsec_` is base64, another is taken
 * as it is.
 *
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function signatureHeaders(secret: Secret | undefined, id: string, now: Date, body: string): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(now.getTime() / 1000));
  const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp };
  if (secret === undefined) return headers;
  const text = secret.reveal();
  const key = text.startsWith('whsec_') ? Buffer.from(text.slice('whsec_'.length), 'base64') : Buffer.from(text, 'utf8');
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { ...headers, 'webhook-signature': `v1,${signature}` };
}

function retryAfterMs(response: Response, now: Date): number | undefined {
  const stated = response.headers.get('retry-after');
  if (stated === null) return undefined;
  const seconds = Number(stated);
  const waitMs = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(stated) - now.getTime();
  return Number.isFinite(waitMs) && waitMs > 0 ? waitMs : undefined;
}

/** Why a request failed, in the system's words. Node puts them into the cause, and an address that it cannot read into the message. */
function withoutAddress(error: unknown, url: string): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (error instanceof Error && error.name === 'TimeoutError') return `no answer within ${TIMEOUT_MS / 1000} s`;
  const text = messageOf(cause);
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (code === 'ERR_INVALID_URL' || (url !== '' && text.includes(url))) return 'its address is not one';
  return text === '' ? code : text;
}
