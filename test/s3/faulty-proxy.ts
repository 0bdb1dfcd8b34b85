import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http, { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One way in which a server or the way to it goes wrong. */
export type Fault =
  /** Answers without asking the server. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly code: string;
      readonly message?: string;
      readonly ending?: string;
      readonly start?: string;
    }
  /** Answers 200 with this XML, without asking the server. */
  | { readonly kind: 'say'; readonly xml: string }
  /** Turns one bit of the body round, as a bad cable does; a body that is not what its Content-MD5 says is refused, as by S3. */
  | { readonly kind: 'flip-bit' }
  /** Answers 200 with nothing in it, and keeps nothing. */
  | { readonly kind: 'swallow' }
  /** Breaks the connection before the request reaches the server. */
  | { readonly kind: 'reset' }
  /** Lets the server do it and breaks the connection instead of answering. */
  | { readonly kind: 'lose-answer' }
  /** Sends the first bytes of the body, then breaks the connection. */
  | { readonly kind: 'truncate'; readonly bytes: number }
  /** Sends the first bytes of the body as if they were all: the length in the headers is changed to match. */
  | { readonly kind: 'shorten'; readonly bytes: number }
  /** Sends the first bytes of the body, then nothing. */
  | { readonly kind: 'stall'; readonly bytes: number }
  /** Never answers. */
  | { readonly kind: 'hang' }
  /** Asks the server without the Range header. */
  | { readonly kind: 'ignore-range' }
  /** Leaves these headers out of the answer; names in lower case. */
  | { readonly kind: 'hide-headers'; readonly names: readonly string[] }
  /** Answers as a server whose clock is so far ahead of the real one's. */
  | { readonly kind: 'other-time'; readonly aheadMs: number };

/** Whether a request meets a fault; `count` counts the requests seen, from 1. */
export type FaultPlan = (request: {
  readonly method: string;
  readonly path: string;
  readonly count: number;
  readonly headers: IncomingHttpHeaders;
}) => Fault | undefined;

export interface FaultyProxy {
  readonly endpoint: string;
  /** `METHOD path?query` of each request, in order. */
  readonly seen: readonly string[];
  /** Replaces the plan and forgets what was seen. */
  plan(plan: FaultPlan): void;
  stop(): Promise<void>;
}

/**
 * A proxy on a loopback port that passes requests to `target` unchanged, but for the faults of the plan. `oneAtATime`
 * sends the next request only after the answer to the one before.
 */
export async function startFaultyProxy(target: string, { oneAtATime = false } = {}): Promise<FaultyProxy> {
  let turn: Promise<unknown> = Promise.resolve();
  let plan: FaultPlan = () => undefined;
  const seen: string[] = [];
  const server = http.createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    const fault = plan({ method: request.method ?? '', path: request.url ?? '', count: seen.length, headers: request.headers });
    if (!oneAtATime) {
      meet(target, fault, request, response);
      return;
    }
    turn = turn.then(async () => {
      const closed = once(response, 'close');
      meet(target, fault, request, response);
      await closed;
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    plan: (next) => {
      plan = next;
      seen.length = 0;
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function meet(target: string, fault: Fault | undefined, request: IncomingMessage, response: ServerResponse): void {
  request.on('error', () => undefined);
  response.on('error', () => undefined);
  switch (fault?.kind) {
    case 'reset':
      request.socket.destroy();
      return;
    case 'hang':
      request.resume();
      return;
    case 'swallow':
      request.resume().on('end', () => {
        response.writeHead(200, { etag: '"0123456789abcdef0123456789abcdef"', 'content-length': '0' }).end();
      });
      return;
    case 'answer': {
      const body = `${fault.start ?? ''}<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${fault.code}</Code><Message>${fault.message ?? 'planned'}</Message></Error>${fault.ending ?? ''}`;
      request.resume().on('end', () => {
        response.writeHead(fault.status, { 'content-type': 'application/xml', 'content-length': Buffer.byteLength(body) });
        response.end(request.method === 'HEAD' ? undefined : body);
      });
      return;
    }
    case 'say':
      request.resume().on('end', () => {
        response.writeHead(200, { 'content-type': 'application/xml', 'content-length': Buffer.byteLength(fault.xml) }).end(fault.xml);
      });
      return;
    case 'flip-bit':
      flipBit(target, request, response).catch(() => response.destroy());
      return;
    case 'lose-answer':
    case 'truncate':
    case 'shorten':
    case 'stall':
    case 'ignore-range':
    case 'hide-headers':
    case 'other-time':
    case undefined:
      forward(target, fault, request, response);
  }
}

async function flipBit(target: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await drain(request);
  const said = request.headers['content-md5'];
  body[Math.floor(body.byteLength / 2)] = (body[Math.floor(body.byteLength / 2)] ?? 0) ^ 1;
  if (said !== undefined && said !== createHash('md5').update(body).digest('base64')) {
    const refusal = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>BadDigest</Code><Message>planned</Message></Error>';
    response.writeHead(400, { 'content-type': 'application/xml', 'content-length': Buffer.byteLength(refusal) }).end(refusal);
    return;
  }
  const upstream = http.request(new URL(request.url ?? '/', target), {
    method: request.method,
    headers: request.headers,
    setHost: false,
    agent: false,
  });
  upstream.on('error', () => response.destroy());
  upstream.on('response', (answer) => {
    passOn(undefined, answer, request, response).catch(() => response.destroy());
  });
  upstream.end(body);
}

function forward(target: string, fault: Fault | undefined, request: IncomingMessage, response: ServerResponse): void {
  const { range, ...withoutRange } = request.headers;
  const headers = fault?.kind === 'ignore-range' || range === undefined ? withoutRange : request.headers;
  const upstream = http.request(new URL(request.url ?? '/', target), { method: request.method, headers, setHost: false, agent: false });
  upstream.on('error', () => response.destroy());
  upstream.on('response', (answer) => {
    passOn(fault, answer, request, response).catch(() => response.destroy());
  });
  request.pipe(upstream);
}

async function passOn(
  fault: Fault | undefined,
  answer: IncomingMessage,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await drain(answer);
  if (fault?.kind === 'lose-answer') {
    request.socket.destroy();
    return;
  }
  const hidden = new Set(['transfer-encoding', ...(fault?.kind === 'hide-headers' ? fault.names : [])]);
  const headers = Object.fromEntries(Object.entries(answer.headers).filter(([name]) => !hidden.has(name)));
  if (fault?.kind === 'other-time') headers['date'] = new Date(Date.now() + fault.aheadMs).toUTCString();
  const isCut = fault?.kind === 'truncate' || fault?.kind === 'stall';
  const sent = isCut || fault?.kind === 'shorten' ? body.subarray(0, fault.bytes) : body;
  const announced = isCut ? body.byteLength : sent.byteLength;
  response.writeHead(answer.statusCode ?? 500, request.method === 'HEAD' ? headers : { ...headers, 'content-length': announced });
  if (!isCut) {
    response.end(sent);
    return;
  }
  response.write(sent, () => {
    if (fault?.kind === 'truncate') request.socket.destroy();
  });
}

async function drain(message: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of message) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
