import { DbadminError } from '../../base/errors.ts';

/**
 * What a client says on the socket of `wal receive`, one line, and what it is told. Texts are hexadecimal, so that any path is one word.
 *
 *   dbadmin1 push <cluster> <path> <device> <inode> <bytes>     stored or present: `ok`; not the same file here: `send`
 *   dbadmin1 get <cluster> <name>                               `file <bytes>` and the bytes, or `absent`
 *
 * After `send` the client gives the bytes that it announced, and is told `ok`. A failure is `fail <message>` at any point.
 */
export type SocketRequest =
  | {
      readonly kind: 'push';
      readonly cluster: string;
      readonly path: string;
      readonly device: string;
      readonly inode: string;
      readonly sizeBytes: number;
    }
  | { readonly kind: 'get'; readonly cluster: string; readonly name: string };

const MOST_BYTES = 1024 ** 3;

/** @throws {DbadminError} `protocol-violation`. */
export function parseRequest(line: string): SocketRequest {
  const push = /^dbadmin1 push ([0-9a-f]+) ([0-9a-f]+) (\d+) (\d+) (\d{1,12})$/.exec(line);
  if (push !== null && Number(push[5]) <= MOST_BYTES) {
    return {
      kind: 'push',
      cluster: fromHex(push[1]),
      path: fromHex(push[2]),
      device: push[3] ?? '',
      inode: push[4] ?? '',
      sizeBytes: Number(push[5]),
    };
  }
  const get = /^dbadmin1 get ([0-9a-f]+) ([0-9a-f]+)$/.exec(line);
  if (get !== null) return { kind: 'get', cluster: fromHex(get[1]), name: fromHex(get[2]) };
  throw new DbadminError('protocol-violation', 'the request on the socket is not one of wal push or wal get');
}

export function failLine(message: string): string {
  return `fail ${Buffer.from(message).toString('hex')}\n`;
}

function fromHex(text: string | undefined): string {
  return Buffer.from(text ?? '', 'hex').toString('utf8');
}
