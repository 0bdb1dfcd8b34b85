import type { Sql, TransactionSql } from 'postgres';

/** How the text of a copy is encoded. Bytes of a database of SQL_ASCII may be no text of any encoding: only another one takes them as they are. */
export type CopyEncoding = 'UTF8' | 'SQL_ASCII';

/** In which a database can write all that it holds. */
export async function inspectEncoding(sql: Sql | TransactionSql): Promise<CopyEncoding> {
  const [database] = await sql<{ encoding: string }[]>`select pg_catalog.current_setting('server_encoding') as encoding`;
  return database?.encoding === 'SQL_ASCII' ? 'SQL_ASCII' : 'UTF8';
}

/** Between two databases, or a file and one. What is no UTF-8 is refused by a server of any other encoding. */
export function encodingBetween(from: CopyEncoding, into: CopyEncoding): CopyEncoding {
  return from === into ? from : 'UTF8';
}
