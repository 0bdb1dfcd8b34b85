import { inspectRelations } from '../effects/inspect.ts';
import type { CatalogFacts } from '../effects/known-objects.ts';
import { wantedFacts } from '../effects/wanted-facts.ts';
import { embeddedStatements } from '../sql/embedded.ts';
import type { FoundPlan } from '../hooks.ts';
import { loadSqlParser, type SqlParser } from '../sql/parser.ts';
import type { Queryable } from '../session/session.ts';
import type { Finding } from './finding.ts';
import { estimateWrites } from './inspect-writes.ts';
import { lintFiles, type LintedFile } from './lint.ts';

/** What the catalog says of all that these files name, inside of DO blocks and routines too. */
async function inspectForLint(
  session: Queryable,
  serverMajor: number,
  files: readonly LintedFile[],
  parser: SqlParser,
): Promise<CatalogFacts> {
  const statements = files.map(({ parsed }) =>
    parsed.statements.flatMap((each) => [each, ...embeddedStatements(each, parser).filter(({ kind }) => kind === 'sql')]),
  );
  return await inspectRelations(session, serverMajor, wantedFacts(statements.map((file) => file.filter((each) => 'node' in each))));
}

/** What lint says of files with this database to ask. */
export async function lintLive(session: Queryable, serverMajor: number, files: readonly LintedFile[]): Promise<readonly Finding[]> {
  const parser = await loadSqlParser();
  const catalog = await inspectForLint(session, serverMajor, files, parser);
  return lintFiles(files, { parser, catalog, writes: await estimateWrites(session, files, parser) });
}

/** What lint says of what a run is about to apply. */
export async function lintRun({ plan, server, session }: Pick<FoundPlan, 'plan' | 'server' | 'session'>): Promise<readonly Finding[]> {
  return await lintLive(session, server.major, [...plan.versioned, ...plan.routines]);
}
