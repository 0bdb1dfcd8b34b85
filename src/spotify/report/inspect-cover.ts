import type postgres from 'postgres';

/** A stored picture of an album or artist. */
export interface Cover {
  /** `image/jpeg` and the like. */
  readonly type: string;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Larger ones are no covers. */
const MOST_BYTES = 5_000_000;

/** The cover of that number, as mart.cover has it; undefined where there is none. */
export async function readCover(sql: postgres.Sql, id: string): Promise<Cover | undefined> {
  const [row] = await sql<{ type: string; image: Buffer }[]>`
    select media_type as type, image from mart.cover where cover_id = ${id} and octet_length(image) <= ${MOST_BYTES}`;
  return row === undefined ? undefined : { type: row.type, body: new Uint8Array(row.image) };
}
