import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { connect as connectSocket, type NetConnectOpts, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { connectionError } from './connection-error.ts';
import type { ConnectionParameters, HostAddress } from './parameters.ts';
import { allowsClearText, tlsOptions } from './tls.ts';

/** What a server gave a session at its login, by which anybody can ask that what the session is at be cancelled. */
export interface BackendKey {
  readonly pid: number;
  readonly secret: number;
}

const CANCEL_REQUEST = 80_877_102;
const SSL_REQUEST = 80_877_103;
const YES = 'S'.charCodeAt(0);

/**
 * Asks the server at `address` to cancel what the session of `key` is at, over a connection of its own without a login. Resolves once the
 * server has taken it. Says nothing of what became of it: there may be no such session any more, and a statement need not heed it.
 *
 * It is encrypted as a session is, for whoever reads the key can cancel. Until `signal` is aborted it waits. Of a name with several
 * addresses each is asked, since nobody knows which of them the session is at: a server without that session does nothing.
 *
 * @throws {DbadminError} `connection-failed`; of TLS what {@link tlsOptions} says.
 * @see https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS
 */
export async function requestCancel(
  parameters: ConnectionParameters,
  address: HostAddress,
  key: BackendKey,
  signal: AbortSignal,
): Promise<void> {
  const here = { ...parameters, hosts: [address] };
  const tls = tlsOptions(here, address.host);
  try {
    const asked = { tls, isClearTextEnough: allowsClearText(here), request: message(CANCEL_REQUEST, key.pid, key.secret) };
    const places = await placesOf(address);
    const ends = await Promise.allSettled(places.map(async (place) => await ask(place, asked, signal)));
    const [first] = ends;
    if (first?.status === 'rejected' && ends.every(({ status }) => status === 'rejected')) throw first.reason;
  } catch (error) {
    throw connectionError(here, error);
  }
}

async function placesOf({ host, port }: HostAddress): Promise<readonly NetConnectOpts[]> {
  if (host.startsWith('/')) return [{ path: `${host}/.s.PGSQL.${port}` }];
  return (await addressesOf(host)).map(({ address }) => ({ host: address, port }));
}

const lookups = new Map<string, Promise<readonly LookupAddress[]>>();

/**
 * One lookup of a name at a time, whoever asks. A name server that is away keeps each waiting for its whole time limit, no signal ends it, and only a few
 * are under way in a process: requests that are repeated would keep every other connection from its own.
 */
async function addressesOf(host: string): Promise<readonly LookupAddress[]> {
  const underWay = lookups.get(host);
  if (underWay !== undefined) return await underWay;
  const looking = lookup(host, { all: true }).finally(() => lookups.delete(host));
  lookups.set(host, looking);
  return await looking;
}

interface Asked {
  readonly tls: ConnectionOptions | undefined;
  readonly isClearTextEnough: boolean;
  readonly request: Buffer;
}

/** Whenever a socket fails, somebody listens: an error that nobody listens for ends the process. */
async function ask(place: NetConnectOpts, asked: Asked, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const sockets: Socket[] = [];
  let isSent = false;
  const follow = (socket: Socket): void => {
    sockets.push(socket);
    socket.on('error', reject);
    socket.on('close', () => (isSent ? resolve() : reject(new Error('the server closed the connection'))));
  };
  const send = (socket: Socket): void => {
    isSent = true;
    socket.write(asked.request);
    // The server closes, and the end of a stream is only seen by one who reads.
    socket.resume();
  };
  const secure = (socket: Socket, answer: Buffer): void => {
    // What comes before the handshake came from anybody.
    if (answer.length !== 1) return reject(new Error('the server answered more than it was asked before TLS began'));
    if (answer[0] !== YES) return asked.isClearTextEnough ? send(socket) : reject(new Error('the server does not support TLS'));
    const encrypted = connectTls({ ...asked.tls, socket });
    follow(encrypted);
    encrypted.once('secureConnect', () => send(encrypted));
  };
  const plain = connectSocket(place);
  follow(plain);
  plain.once('connect', () => {
    if (asked.tls === undefined) return send(plain);
    plain.once('data', (answer: Buffer) => secure(plain, answer));
    plain.write(message(SSL_REQUEST));
  });
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await promise;
  } finally {
    signal.removeEventListener('abort', onAbort);
    for (const socket of sockets) socket.destroy();
  }
}

/** A message of the time before a session has begun, which has no type: its length and numbers, 4 bytes each. */
function message(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * (numbers.length + 1));
  for (const [index, number] of [bytes.length, ...numbers].entries()) bytes.writeUInt32BE(number, 4 * index);
  return bytes;
}
