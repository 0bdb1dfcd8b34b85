import type postgres from 'postgres';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { quoteName } from '../../postgres/quote.ts';
import { findScope } from './inspect-names.ts';
import type { AskedScope, Scope } from './scope.ts';
import { textOf, type Row, type Section, type SectionRows } from './section.ts';

/** Everything a report shows, of one moment. */
export interface Report {
  readonly scope: Scope;
  readonly sections: readonly SectionRows[];
  /** Plays that are in core and not in the marts yet; undefined where this role may not know. */
  readonly waitingPlays: number | undefined;
  /** Pictures by their number, as data: addresses. Empty unless asked for. */
  readonly covers: ReadonlyMap<string, string>;
  readonly pages: readonly ReportPage[];
  readonly visuals: readonly Visual[];
}

/** A visual of the two reports and the section that gives it, as mart.visual has it. */
export interface Visual {
  readonly report: string;
  readonly page: number;
  readonly number: number;
  /** card, slicer, text, button, image and so on. */
  readonly kind: string;
  readonly section: string;
}

/** A page of the reports, as mart.report_page names it. */
export interface ReportPage {
  readonly report: string;
  readonly page: number;
  readonly title: string;
}

export interface ReadOptions {
  readonly withCovers: boolean;
  readonly onSection: (done: number, total: number, name: string) => void;
}

/** Larger pictures are left to be drawn: a page of megabytes opens nowhere. */
const COVER_BYTES = 300_000;
const COVER_TYPES = ['image/jpeg', 'image/png', 'image/webp', 'image/gif'];

/**
 * Reads the sections in one read-only transaction, so that all figures are of the same moment.
 *
 * @throws {DbadminError} `usage` for names that mean nothing or several things, `refused` where the marts are not there,
 * `privilege-missing`.
 */
export async function readReport(
  sql: postgres.Sql,
  asked: AskedScope,
  sections: readonly Section[],
  { withCovers, onSection }: ReadOptions,
): Promise<Report> {
  try {
    return await sql.begin('isolation level repeatable read read only', async (transaction) => {
      await transaction.unsafe(`set local datestyle = 'ISO, YMD'; set local intervalstyle = 'postgres'; set local timezone = 'UTC'`);
      const scope = await findScope(transaction, asked);
      const read: SectionRows[] = [];
      for (const section of sections) {
        onSection(read.length, sections.length, section.name);
        read.push({ section, rows: await readSection(transaction, section, scope) });
      }
      return {
        scope,
        sections: read,
        waitingPlays: await countWaiting(transaction),
        covers: withCovers ? await readCovers(transaction, read) : new Map<string, string>(),
        pages: await transaction<ReportPage[]>`select report, page, title from mart.report_page order by report, page`,
        visuals: await transaction<Visual[]>`select report, page, number, kind, section from mart.visual order by report, page, number`,
      };
    });
  } catch (error) {
    throw reportError(error) ?? error;
  }
}

async function readSection(sql: postgres.TransactionSql, section: Section, scope: Scope): Promise<readonly Row[]> {
  const columns = section.columns.map(({ key }) => `shown.${quoteName(key)}::text`).join(', ');
  return await sql.unsafe<Row[]>(`select ${columns} from (${section.query(scope)}) as shown`);
}

async function countWaiting(sql: postgres.TransactionSql): Promise<number | undefined> {
  const [may] = await sql<{ may: boolean }[]>`select has_table_privilege('mart.changed_play', 'select') as may`;
  if (may?.may !== true) return undefined;
  const [row] = await sql<{ waiting: string }[]>`select count(distinct play_id) as waiting from mart.changed_play`;
  return Number(row?.waiting ?? 0);
}

async function readCovers(sql: postgres.TransactionSql, sections: readonly SectionRows[]): Promise<ReadonlyMap<string, string>> {
  const wanted = new Set(sections.flatMap(({ rows }) => rows.map((row) => textOf(row, 'cover_id'))).filter((id) => id !== ''));
  if (wanted.size === 0) return new Map();
  const covers = await sql<{ id: string; type: string; image: string }[]>`
    select cover_id::text as id, media_type as type, translate(encode(image, 'base64'), E'\n', '') as image from mart.cover
    where cover_id in ${sql([...wanted])} and media_type in ${sql(COVER_TYPES)} and octet_length(image) <= ${COVER_BYTES}`;
  return new Map(covers.map(({ id, type, image }) => [id, `data:${type};base64,${image}`]));
}

/** What the server refuses of the marts, as ours; undefined for anything else. */
export function reportError(error: unknown): DbadminError | undefined {
  const code = systemCodeOf(error);
  const parts = { detail: messageOf(error), cause: error };
  if (code === '42501') return new DbadminError('privilege-missing', 'this role may not read the marts', parts);
  if (code === '42P01' || code === '3F000' || code === '42883' || code === '42704') {
    return new DbadminError('refused', 'this database has not all of the marts', {
      ...parts,
      hint: 'Apply the migrations and routines of the warehouse first: dbadmin migrate up.',
    });
  }
  return undefined;
}
