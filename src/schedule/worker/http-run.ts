import { createServer, type Server } from 'node:http';
import { DbadminError, messageOf } from '../../base/errors.ts';

export interface HttpAnswers {
  /** 200 or 503, and the JSON document. */
  readonly health: () => { readonly healthy: boolean; readonly document: object };
  /** Prometheus text. */
  readonly metrics: () => string;
}

export interface Listener {
  readonly address: string;
  close(): Promise<void>;
}

/**
 * Answers `/healthz` and `/metrics`. They need no sign-in and hold no secrets, but names of clusters and jobs: so it listens
 * where it is told, on loopback unless told otherwise.
 *
 * @throws {DbadminError} `refused` when the address cannot be listened on.
 */
export async function listenHttp(host: string, port: number, answers: HttpAnswers): Promise<Listener> {
  const server = createServer((request, response) => {
    const { status, type, text } = answer(request.method ?? '', request.url ?? '', answers);
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    response.end(request.method === 'HEAD' ? undefined : text);
  });
  server.requestTimeout = 10_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      reject(
        new DbadminError('refused', `cannot listen on ${host}:${port}`, {
          detail: messageOf(error),
          hint: 'Give another port with --listen, or none with --listen off.',
          cause: error,
        }),
      );
    });
    server.listen(port, host, resolve);
  });
  return { address: addressOf(server), close: async () => await closeServer(server) };
}

function answer(
  method: string,
  url: string,
  { health, metrics }: HttpAnswers,
): { readonly status: number; readonly type: string; readonly text: string } {
  const plain = 'text/plain; charset=utf-8';
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, type: plain, text: 'only GET and HEAD\n' };
  const path = url.split('?')[0];
  if (path === '/healthz') {
    const { healthy, document } = health();
    return { status: healthy ? 200 : 503, type: 'application/json', text: `${JSON.stringify(document)}\n` };
  }
  if (path !== '/metrics') return { status: 404, type: plain, text: 'there are /healthz and /metrics\n' };
  return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', text: metrics() };
}

function addressOf(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === 'string') return String(address);
  return `${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
}

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}
