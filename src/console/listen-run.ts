import { createServer as createHttp, type Server } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { getRequestListener } from '@hono/node-server';
import { DbadminError, messageOf } from '../base/errors.ts';
import { clientAddress } from './client-address.ts';
import type { GuardedApp } from './guarded.ts';

export interface Listening {
  readonly port: number;
  close(): Promise<void>;
}

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  /** PEM text of certificate and key. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  /** A proxy stands before it and says who asks: the last entry of `x-forwarded-for` is the one that it added itself. */
  readonly isBehindProxy: boolean;
}

/**
 * Serves the console.
 *
 * @throws {DbadminError} `refused` when the address cannot be listened on or the certificate does not serve.
 */
export async function listen(app: GuardedApp, { host, port, tls, isBehindProxy }: ListenOptions): Promise<Listening> {
  const listener = getRequestListener(
    (request, env) => {
      const peer = 'incoming' in env ? env.incoming.socket.remoteAddress : undefined;
      const forwarded = isBehindProxy ? (request.headers.get('x-forwarded-for') ?? undefined) : undefined;
      return app.fetch(request, { address: clientAddress(peer, forwarded) });
    },
    // What the request says of its host is judged by the application.
    { hostname: 'localhost', overrideGlobalObjects: false },
  );
  const server = createServer(tls, (incoming, outgoing) => void listener(incoming, outgoing));
  server.headersTimeout = 10_000;
  server.requestTimeout = 30_000;
  server.maxHeadersCount = 100;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      reject(
        new DbadminError('refused', `cannot listen on ${host}:${port}`, {
          detail: `${messageOf(error)}.`,
          hint: 'Give another address with --listen.',
          cause: error,
        }),
      );
    });
    server.listen(port, host, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: async () => {
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function createServer(tls: ListenOptions['tls'], listener: Parameters<typeof createHttp>[1]): Server {
  if (tls === undefined) return createHttp({}, listener);
  try {
    return createHttps({ ...tls, minVersion: 'TLSv1.2' }, listener);
  } catch (error) {
    throw new DbadminError('refused', 'the certificate and key of the console do not serve', {
      detail: `${messageOf(error)}.`,
      cause: error,
    });
  }
}
