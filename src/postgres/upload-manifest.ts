import { BACKEND, violation } from './messages.ts';
import { parseServerMessage, PostgresError } from './postgres-error.ts';
import type { ReplicationConnection } from './replication.ts';

/**
 * Gives the server the manifest of the backup that the next incremental one on this connection is to build on.
 *
 * @throws {PostgresError} what the server found wrong with it.
 * @see https://www.postgresql.org/docs/current/protocol-replication.html UPLOAD_MANIFEST
 */
export async function uploadManifest(
  connection: ReplicationConnection,
  manifest: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const { wire } = connection;
  wire.sendQuery('UPLOAD_MANIFEST');
  const first = await wire.read();
  if (first.type === BACKEND.errorResponse) {
    await wire.settle(new PostgresError(parseServerMessage(first.body)));
  }
  if (first.type !== BACKEND.copyInResponse) throw violation('UPLOAD_MANIFEST did not ask for the manifest');
  for await (const piece of manifest) {
    wire.sendCopyData(piece);
    // A server that refuses it reads on to its end: this does not wait for ever.
    await wire.drained();
  }
  wire.sendCopyDone();
  await wire.settle();
}
