import { violation } from './messages.ts';

/**
 * What the server sends inside the copy stream of START_REPLICATION. Bytes are views of the message.
 *
 * The positions of the two kinds are not of one kind: data tells how far the server may send, that is what it has flushed; a
 * keepalive tells how far it has sent, which is what the stream has brought.
 *
 * @see XLogSendPhysical and WalSndKeepalive in src/backend/replication/walsender.c of PostgreSQL
 */
export type WalMessage =
  | { readonly kind: 'data'; readonly startLsn: bigint; readonly flushedLsn: bigint; readonly serverTime: Date; readonly bytes: Buffer }
  | { readonly kind: 'keepalive'; readonly sentLsn: bigint; readonly serverTime: Date; readonly replyRequested: boolean };

const UNIX_MS_OF_POSTGRES_EPOCH = 946_684_800_000;
const DATA_HEADER_BYTES = 25;

/** Reads XLogData (`w`) and primary keepalive (`k`) messages. @throws {DbadminError} `protocol-violation` for any other. */
export function parseWalMessage(body: Buffer): WalMessage {
  if (body[0] === 0x77 && body.length >= DATA_HEADER_BYTES) {
    return {
      kind: 'data',
      startLsn: body.readBigUInt64BE(1),
      flushedLsn: body.readBigUInt64BE(9),
      serverTime: timeAt(body, 17),
      bytes: body.subarray(DATA_HEADER_BYTES),
    };
  }
  if (body[0] === 0x6b && body.length === 18) {
    return { kind: 'keepalive', sentLsn: body.readBigUInt64BE(1), serverTime: timeAt(body, 9), replyRequested: body[17] === 1 };
  }
  throw violation(`a message of ${body.length} bytes with kind 0x${(body[0] ?? 0).toString(16)} came in the WAL stream`);
}

/**
 * A standby status update. `applied` stays 0: nobody replays here, and a server that waits for remote apply must not count us.
 *
 * @see https://www.postgresql.org/docs/current/protocol-replication.html
 */
export function statusUpdate(writtenLsn: bigint, flushedLsn: bigint, nowMs: number, replyRequested: boolean): Buffer {
  const payload = Buffer.alloc(34);
  payload[0] = 0x72;
  payload.writeBigUInt64BE(writtenLsn, 1);
  payload.writeBigUInt64BE(flushedLsn, 9);
  payload.writeBigUInt64BE(0n, 17);
  payload.writeBigInt64BE(BigInt(Math.round(nowMs) - UNIX_MS_OF_POSTGRES_EPOCH) * 1000n, 25);
  payload[33] = replyRequested ? 1 : 0;
  return payload;
}

function timeAt(body: Buffer, offset: number): Date {
  return new Date(Number(body.readBigInt64BE(offset) / 1000n) + UNIX_MS_OF_POSTGRES_EPOCH);
}
