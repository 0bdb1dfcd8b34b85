import type { Sql } from 'postgres';
import { requestCancel } from './cancel-request.ts';
import { addressOf } from './client.ts';
import type { ConnectionParameters } from './parameters.ts';

const CANCEL_MS = 2000;

/**
 * What `work` gives, which uses these clients. When the signal is aborted their connections are closed, so that it fails at once wherever
 * it is. The last client is that of `parameters`: what its session is at is cancelled first, for of a connection that is only closed the
 * server knows once it has something to say, and goes on building an index until then.
 */
export async function endedBy<Value>(
  signal: AbortSignal,
  clients: readonly [Sql, Sql],
  parameters: ConnectionParameters,
  work: () => Promise<Value>,
): Promise<Value> {
  signal.throwIfAborted();
  const [, last] = clients;
  const { state } = await last`select 1`;
  let ending: Promise<void> | undefined;
  const end = async (): Promise<void> => {
    await requestCancel(parameters, addressOf(last), state, AbortSignal.timeout(CANCEL_MS)).catch(() => undefined);
    await Promise.all(clients.map(async (client) => await client.end({ timeout: 0 }).catch(() => undefined)));
  };
  const onAbort = (): void => {
    ending = end();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await work();
  } finally {
    signal.removeEventListener('abort', onAbort);
    await ending;
  }
}
