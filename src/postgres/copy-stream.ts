import { Readable, Writable } from 'node:stream';
import type { Sql, TransactionSql } from 'postgres';

/** Streams of COPY. What the `postgres` package (3.4.9) leaves undone for those who use them is done here. */

/**
 * What `COPY … TO STDOUT` gives. An error, also one that comes before anybody reads, is told to whoever reads it.
 *
 * @throws what the server says before its first row.
 */
export async function copyOutStream(sql: Sql | TransactionSql, statement: string): Promise<Readable> {
  const query = sql.unsafe(statement);
  onStream(query, Readable, (rows) => {
    // The library reads on when a row is asked for. After the last one nobody asks: what the server says then would never be read,
    // and the next statement of the connection wait for ever.
    rows.once('close', () => {
      try {
        rows._read(0);
      } catch {
        // Nor will it be: the connection is gone, and whoever asks it next is told.
      }
    });
  });
  return await query.readable();
}

/**
 * What `COPY … FROM STDIN` takes. An error is told to whoever writes into it.
 *
 * @throws what the server says before it takes anything.
 */
export async function copyInStream(sql: Sql | TransactionSql, statement: string): Promise<Writable> {
  const query = sql.unsafe(statement);
  onStream(query, Writable, (into) => {
    // Once the last row is sent, the library gives the server's refusal to the query, whose promise was kept when the stream came,
    // and the stream waits for ever. The stream must hear of it.
    void Object.assign(query, { reject: (error: Error) => into.destroy(error) });
  });
  return await query.writable();
}

/**
 * Has `prepare` see the stream of a query at once. Whoever awaits the query gets it later: what came in one packet with it has been read by
 * then, and an error that nobody listens to ends the process.
 */
function onStream<Stream extends Readable | Writable>(
  query: object,
  kind: abstract new (...options: never[]) => Stream,
  prepare: (stream: Stream) => void,
): void {
  const { resolve } = query as { readonly resolve: (value: unknown) => void };
  const seen = (value: unknown): void => {
    // The query is told of its result too, once the statement has ended.
    if (value instanceof kind) {
      value.on('error', () => undefined);
      prepare(value);
    }
    resolve(value);
  };
  void Object.assign(query, { resolve: seen });
}
