import type { Clock } from '../../base/clock.ts';
import { formatDuration } from '../../base/durations.ts';
import { DbadminError, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { nextStep, type Outcome, type RetryLimits } from './retry.ts';

/** The world of whoever asks a server. */
export interface Asking {
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Log;
  readonly limits: RetryLimits;
  readonly signal: AbortSignal;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly form?: URLSearchParams;
  /** For messages: no query, no secret. */
  readonly name: string;
  /** Larger answers are refused. */
  readonly maxBytes: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: Buffer;
  readonly contentType: string;
  readonly receivedAt: Date;
}

const TIMEOUT_MS = 60_000;

/**
 * Asks, and asks again where that may help: after 429 as Retry-After says, after 5xx and broken connections with growing waits.
 * `isWhole` says whether an answer below 300 can be read; one that cannot counts as broken.
 *
 * @throws {DbadminError} `api-failed` when the tries are used up or the wait asked for is too long; `interrupted`.
 */
export async function ask(asking: Asking, request: HttpRequest, isWhole: (answer: HttpAnswer) => boolean): Promise<HttpAnswer> {
  const { clock, log, limits, signal } = asking;
  for (let attempt = 1; ; attempt += 1) {
    const tried = await tryOnce(asking, request, isWhole);
    const step = nextStep(tried.outcome, attempt, limits, clock.now(), asking.random());
    if (step.kind === 'take' && tried.answer !== undefined) return tried.answer;
    if (step.kind !== 'wait')
      throw givenUp(request, tried, attempt, step.kind === 'give-up' && step.reason === 'wait' ? step.waitMs : undefined);
    log.info(`${request.name}: ${tried.said}, trying again in ${formatDuration(step.delayMs)}`);
    await clock.sleep(step.delayMs, signal).catch((error: unknown) => {
      throw interruptedAt(request, error);
    });
  }
}

interface Tried {
  readonly outcome: Outcome;
  readonly said: string;
  readonly answer: HttpAnswer | undefined;
}

async function tryOnce(asking: Asking, request: HttpRequest, isWhole: (answer: HttpAnswer) => boolean): Promise<Tried> {
  try {
    const response = await fetch(request.url, {
      method: request.method,
      headers: request.headers ?? {},
      // A redirect would carry the token to wherever it leads.
      redirect: 'error',
      signal: AbortSignal.any([asking.signal, AbortSignal.timeout(TIMEOUT_MS)]),
      ...(request.form === undefined ? {} : { body: request.form }),
    });
    const answer = {
      status: response.status,
      body: await readBody(response, request),
      contentType: response.headers.get('content-type') ?? '',
      receivedAt: asking.clock.now(),
    };
    if (response.status < 300 && !isWhole(answer))
      return { outcome: { kind: 'broken' }, said: 'the answer cannot be read', answer: undefined };
    const retryAfter = response.headers.get('retry-after') ?? undefined;
    return { outcome: { kind: 'answer', status: response.status, retryAfter }, said: `status ${response.status}`, answer };
  } catch (error) {
    if (asking.signal.aborted) throw interruptedAt(request, error);
    if (error instanceof DbadminError) throw error;
    const cause = error instanceof Error && error.cause !== undefined ? `: ${messageOf(error.cause)}` : '';
    return { outcome: { kind: 'broken' }, said: `${messageOf(error)}${cause}`, answer: undefined };
  }
}

async function readBody(response: Response, request: HttpRequest): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > request.maxBytes)
      throw new DbadminError('api-failed', `the answer to ${request.name} is larger than ${request.maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function givenUp(request: HttpRequest, tried: Tried, attempts: number, waitMs: number | undefined): DbadminError {
  if (waitMs !== undefined) {
    return new DbadminError('api-failed', `${request.name} is to be asked again in ${formatDuration(waitMs)} only`, {
      detail: 'The limit of requests is used up for now; what was fetched before is kept.',
      hint: 'Run the same command again then.',
    });
  }
  return new DbadminError('api-failed', `${request.name} failed: ${tried.said}`, { detail: `It was tried ${attempts} times.` });
}

function interruptedAt(request: HttpRequest, cause: unknown): DbadminError {
  return new DbadminError('interrupted', `interrupted while asking for ${request.name}`, { cause });
}
