import { printable } from '../../base/printable.ts';
import type { JudgedFindings } from '../../roles/audit/accept.ts';
import { SEVERITIES, type Finding, type Severity } from '../../roles/audit/finding.ts';
import type { Output } from '../output.ts';

const STYLES: Readonly<Record<Severity, 'bad' | 'warn' | 'dim'>> = { critical: 'bad', high: 'bad', medium: 'warn', low: 'dim' };
const INDENT = ' '.repeat(12);
/** What is more than this is for `--format sql`. */
const MOST_STATEMENTS = 6;
const WIDEST_STATEMENT = 300;

/** Each finding with what it rests on and what closes it, the gravest first, and a summary. */
export function showFindings(output: Output, title: string, { open, accepted }: JudgedFindings): void {
  output.line(title);
  for (const finding of open) showFinding(output, finding);
  output.line(summary(open, accepted.length));
}

function showFinding(output: Output, finding: Finding): void {
  const severity = output.style(STYLES[finding.severity], finding.severity.toUpperCase().padEnd(9));
  const where = finding.database === undefined ? '' : ` in ${finding.database}`;
  output.line(`  ${severity} ${printable(`${finding.subject}${where}: ${finding.message}`)}   ${output.style('dim', finding.rule)}`);
  for (const fact of finding.evidence) output.line(`${INDENT}${printable(fact)}`);
  for (const [index, statement] of finding.sql.slice(0, MOST_STATEMENTS).entries()) {
    output.line(`${INDENT}${index === 0 ? 'close:  ' : '        '}${shorten(printable(statement))};`);
  }
  const more = finding.sql.length - MOST_STATEMENTS;
  if (more > 0) output.line(`${INDENT}        … and ${more} more: --format sql`);
  if (finding.remark !== undefined) output.line(`${INDENT}${output.style('dim', printable(finding.remark))}`);
}

function shorten(statement: string): string {
  return statement.length > WIDEST_STATEMENT ? `${statement.slice(0, WIDEST_STATEMENT)} …` : statement;
}

function summary(open: readonly Finding[], accepted: number): string {
  const aside = accepted === 0 ? '' : `, ${accepted} accepted`;
  if (open.length === 0) return `no findings${aside}`;
  const counts = SEVERITIES.flatMap((severity) => {
    const count = open.filter((finding) => finding.severity === severity).length;
    return count === 0 ? [] : [`${count} ${severity}`];
  });
  return `${open.length} finding${open.length === 1 ? '' : 's'}: ${counts.join(', ')}${aside}. The SQL that closes them: dbadmin roles audit --format sql`;
}

/** A finding in `--json`. */
export function findingJson(finding: Finding): Record<string, unknown> {
  return { ...finding, database: finding.database ?? null, remark: finding.remark ?? null };
}
