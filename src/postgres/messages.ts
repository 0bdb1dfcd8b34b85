import { DbadminError } from '../base/errors.ts';

/** The first byte of a message from the server. */
export const BACKEND = {
  errorResponse: 0x45, // E
  noticeResponse: 0x4e, // N
  parameterStatus: 0x53, // S
  notification: 0x41, // A
  rowDescription: 0x54, // T
  dataRow: 0x44, // D
  commandComplete: 0x43, // C
  emptyQuery: 0x49, // I
  readyForQuery: 0x5a, // Z
  copyInResponse: 0x47, // G
  copyOutResponse: 0x48, // H
  copyBothResponse: 0x57, // W
  copyData: 0x64, // d
  copyDone: 0x63, // c
} as const;

/** The first byte of a message to the server. */
export const FRONTEND = { query: 0x51, copyData: 0x64, copyDone: 0x63, terminate: 0x58 } as const;

/** 3.0. */
const PROTOCOL_VERSION = 3 << 16;

/** A message from the server without its type and length. `body` is valid only until the next is read. */
export interface BackendMessage {
  readonly type: number;
  readonly body: Buffer;
  /** Whether `body` is a copy of its own after all, valid for ever. */
  readonly isCopy?: boolean;
}

/** One result of a simple query; values are text, NULL is undefined. */
export interface ResultSet {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | undefined)[])[];
  /** The command tag, such as `SELECT 1`; empty until the server said it. */
  readonly tag: string;
}

/** A message to the server: type, length, payload. */
export function frontendMessage(type: number, payload: Uint8Array): Buffer {
  const message = Buffer.allocUnsafe(5 + payload.length);
  message[0] = type;
  message.writeInt32BE(4 + payload.length, 1);
  message.set(payload, 5);
  return message;
}

/** The first message of a connection: the version of the protocol, and parameters such as `user` and `client_encoding`. */
export function startupMessage(parameters: Readonly<Record<string, string>>): Buffer {
  const texts = Object.entries(parameters).flat();
  const payload = Buffer.from(`${texts.map((text) => `${text}\0`).join('')}\0`);
  const message = Buffer.alloc(8 + payload.length);
  message.writeInt32BE(message.length);
  message.writeInt32BE(PROTOCOL_VERSION, 4);
  message.set(payload, 8);
  return message;
}

/** A simple query. */
export function queryMessage(sql: string): Buffer {
  return frontendMessage(FRONTEND.query, Buffer.from(`${sql}\0`));
}

/** The column names of a RowDescription. */
export function parseColumns(body: Buffer): string[] {
  const columns: string[] = [];
  const count = body.readUInt16BE(0);
  let offset = 2;
  for (let index = 0; index < count; index += 1) {
    const end = body.indexOf(0, offset);
    if (end < 0) throw violation('a RowDescription ends in the middle of a name');
    columns.push(body.toString('utf8', offset, end));
    // Table, column, type, size, modifier and format follow the name.
    offset = end + 1 + 18;
  }
  return columns;
}

/** The values of a DataRow as bytes; NULL is undefined. The bytes are views of `body`. */
export function parseRow(body: Buffer): (Buffer | undefined)[] {
  const values: (Buffer | undefined)[] = [];
  const count = body.readUInt16BE(0);
  let offset = 2;
  for (let index = 0; index < count; index += 1) {
    const length = body.readInt32BE(offset);
    offset += 4;
    if (length < 0) {
      values.push(undefined);
      continue;
    }
    if (offset + length > body.length) throw violation('a DataRow is shorter than its values');
    values.push(body.subarray(offset, offset + length));
    offset += length;
  }
  return values;
}

/** The text of a CommandComplete. */
export function parseTag(body: Buffer): string {
  return body.toString('utf8', 0, Math.max(0, body.length - 1));
}

/** The server, or something between, does not speak the protocol that we know. */
export function violation(detail: string): DbadminError {
  return new DbadminError('protocol-violation', 'the server broke the replication protocol', { detail: `${detail}.` });
}
