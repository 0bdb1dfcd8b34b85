import { embeddedStatements } from '../sql/embedded.ts';
import { nodeType, type AstNode, type SqlParser } from '../sql/parser.ts';
import type { Queryable } from '../session/session.ts';
import type { LintedFile } from './lint.ts';

/** More than these are not asked about: by then somebody should look at the file. */
const ASKED_AT_MOST = 200;

/**
 * How many rows the planner expects each UPDATE and DELETE with a WHERE to write, by its text. Without those that cannot be planned yet,
 * because an earlier statement makes what they use, and those in routines, which have variables in them.
 */
export async function estimateWrites(
  session: Queryable,
  files: readonly LintedFile[],
  parser: SqlParser,
): Promise<ReadonlyMap<string, number>> {
  const texts = new Set(
    files.flatMap(({ parsed }) => parsed.statements.flatMap((each) => [each, ...embeddedStatements(each, parser)])).flatMap(writeText),
  );
  const estimates = new Map<string, number>();
  for (const text of [...texts].slice(0, ASKED_AT_MOST)) {
    const rows = await explain(session, text);
    if (rows !== undefined) estimates.set(text, rows);
  }
  return estimates;
}

function writeText(each: {
  readonly text: string;
  readonly node?: AstNode | undefined;
  readonly runs?: 'now' | 'later';
}): readonly string[] {
  if (each.node === undefined || each.runs === 'later') return [];
  const { type, fields } = nodeType(each.node);
  return (type === 'UpdateStmt' || type === 'DeleteStmt') && fields['whereClause'] !== undefined ? [each.text] : [];
}

/** Plans and runs nothing; read only, because the planner calls functions to estimate what they give. */
async function explain(session: Queryable, text: string): Promise<number | undefined> {
  try {
    await session.query(`begin read only; set local lock_timeout = '1s'; set local statement_timeout = '5s'`);
    const [row] = await session.query<{ 'QUERY PLAN': readonly { readonly Plan: PlanNode }[] }>(`explain (format json) ${text}`);
    // The node that writes says 0 rows, for it returns none.
    return row?.['QUERY PLAN'][0]?.Plan.Plans?.reduce((sum, plan) => sum + plan['Plan Rows'], 0);
  } catch {
    return undefined;
  } finally {
    await session.query('rollback');
  }
}

interface PlanNode {
  readonly 'Plan Rows': number;
  readonly Plans?: readonly PlanNode[];
}
