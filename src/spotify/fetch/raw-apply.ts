import { createHash } from 'node:crypto';
import path from 'node:path';
import type postgres from 'postgres';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { parseMoment } from '../../postgres/moment.ts';
import { contentHash, fieldSetOf, type PageSet } from './page-set.ts';
import { settledKey } from './landing-apply.ts';

/** What raw knows of earlier fetches. */
export async function readCursor(sql: postgres.Sql, listener: string): Promise<Date | undefined> {
  const [row] = await sql<{ newest: string | null }[]>`
    select to_json(max(newest_played_at)) as newest from raw.page_set where listener_name = ${listener} and kind = 'recent'`.catch(refuse);
  return parseMoment(row?.newest);
}

/** Whether the last set of this unit said the same. */
export async function isKnown(sql: postgres.Sql, set: PageSet): Promise<boolean> {
  const [row] = await sql<{ content_sha256: Buffer }[]>`
    select content_sha256 from raw.page_set
    where listener_name = ${set.listener} and kind = ${set.kind} and unit = ${set.unit} order by batch_id desc limit 1`.catch(refuse);
  return row !== undefined && contentHash(set.pages).equals(row.content_sha256);
}

/**
 * Takes a landed set into raw, in one transaction; gives its batch. One that is there already adds nothing: `rows` is 0.
 * `text` is what was landed under `key`.
 */
export async function receiveSet(
  sql: postgres.Sql,
  key: string,
  text: string,
  set: PageSet,
): Promise<{ readonly batchId: string; readonly rows: number }> {
  const sha256 = createHash('sha256').update(text).digest();
  const stored = settledKey(key);
  try {
    return await sql.begin(async (transaction) => {
      const [made] = await transaction<{ batch_id: string }[]>`
        insert into raw.batch (source, file_name, listener_name, content_sha256, size_bytes, row_count)
        values ('page', ${path.posix.basename(key)}, ${set.listener}, ${sha256}, ${Buffer.byteLength(text)}, ${set.pages.length})
        on conflict do nothing returning batch_id`;
      if (made === undefined) return { batchId: await knownBatch(transaction, set.listener, sha256), rows: 0 };
      const { batch_id: batchId } = made;
      for (const [index, page] of set.pages.entries()) {
        const hash = createHash('sha256').update(page.text).digest();
        await transaction`
          insert into raw.page (batch_id, row_no, line_no, hash, endpoint, url, status, fetched_at, object_key, body)
          values (${batchId}, ${index + 1}, ${index + 2}, ${hash}, ${page.endpoint}, ${page.url}, ${page.status}, ${page.fetchedAt},
                  ${`${stored}#${index + 1}`}, ${page.text}::text::jsonb)`;
      }
      await transaction`
        insert into raw.page_set (batch_id, listener_name, kind, unit, field_set, started_at, items, content_sha256, newest_played_at,
                                  gap_after, gap_before)
        values (${batchId}, ${set.listener}, ${set.kind}, ${set.unit}, ${fieldSetOf(set.pages)}, ${set.startedAt}, ${set.items},
                ${contentHash(set.pages)}, ${set.newestPlayedAt ?? null}, ${set.gap?.after ?? null}, ${set.gap?.before ?? null})`;
      return { batchId, rows: set.pages.length };
    });
  } catch (error) {
    return refuse(error);
  }
}

async function knownBatch(sql: postgres.TransactionSql, listener: string, sha256: Buffer): Promise<string> {
  const [row] = await sql<{ batch_id: string }[]>`
    select batch_id from raw.batch where source = 'page' and listener_name = ${listener} and content_sha256 = ${sha256}`;
  return row?.batch_id ?? '';
}

function refuse(error: unknown): never {
  const code = systemCodeOf(error);
  if (code === '42P01' || code === '3F000') {
    throw new DbadminError('load-failed', 'the database has no tables for pages of the Web API', {
      hint: 'Create the warehouse first: dbadmin migrate.',
      cause: error,
    });
  }
  if (code === '42501') {
    throw new DbadminError('privilege-missing', 'this role may not load', {
      detail: messageOf(error),
      hint: 'Connect as a member of warehouse_loader and warehouse_transformer: see roles/roles.yaml.',
      cause: error,
    });
  }
  throw error;
}
