import pg from 'pg';

/** The part of pg's wire connection that COPY needs. */
interface WireConnection {
  readonly stream: NodeJS.WritableStream & { readonly writableNeedDrain?: boolean };
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

interface CopyQuery {
  submit(connection: unknown): void;
}

const CHUNK_CHARACTERS = 65_536;

/**
 * A query for pg that answers the server's request for COPY data with `data`, in chunks and as fast as the socket takes it.
 * pg itself refuses such a request.
 *
 * @see https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY
 */
export function createCopyQuery(text: string, data: string, done: (error: Error | undefined) => void): CopyQuery {
  // The typings leave out the constructor.
  const Query = pg.Query as unknown as new (
    config: { text: string },
    values: undefined,
    callback: (error: Error | null) => void,
  ) => CopyQuery;
  class CopyIn extends Query {
    handleCopyInResponse(connection: WireConnection): void {
      let at = 0;
      const push = (): void => {
        while (at < data.length) {
          let end = Math.min(data.length, at + CHUNK_CHARACTERS);
          const last = data.charCodeAt(end - 1);
          // A chunk must not end between the two halves of a character.
          if (end < data.length && last >= 0xd800 && last <= 0xdbff) end += 1;
          connection.sendCopyFromChunk(Buffer.from(data.slice(at, end), 'utf8'));
          at = end;
          if (at < data.length && connection.stream.writableNeedDrain === true) {
            connection.stream.once('drain', push);
            return;
          }
        }
        connection.endCopyFrom();
      };
      push();
    }
  }
  return new CopyIn({ text }, undefined, (error) => done(error ?? undefined));
}
