import { formatBytes } from '../../base/bytes.ts';
import { formatDuration } from '../../base/durations.ts';
import type { DrillReport } from '../../backup/drill/report.ts';
import { fingerprintOf } from '../../backup/drill/signature.ts';
import type { Output } from '../output.ts';

const FINDINGS_SHOWN = 10;

/** What a drill came to, for people. */
export function printDrill(output: Output, report: DrillReport, publicKey: string): void {
  printSeen(output, report);
  output.line(`report     ${report.label} in ${report.repository}, signed by ${fingerprintOf(publicKey)}`);
  output.line(verdictOf(output, report));
}

/** The same of one whose report is not in the repository: whatever it came to, it proves nothing there. */
export function printUnstored(output: Output, report: DrillReport): void {
  printSeen(output, report);
  output.line(
    report.verdict === 'passed' ? `passed     ${report.plan?.backup ?? ''}, but no report of it is stored` : verdictOf(output, report),
  );
}

function printSeen(output: Output, report: DrillReport): void {
  const { plan, reached, amcheck, assertions, times, target } = report;
  if (target.moment !== null) output.line(`target     ${target.moment}${target.seed === null ? '' : `, drawn with seed ${target.seed}`}`);
  if (plan !== null) {
    const end = plan.untilLsn === plan.fromLsn || plan.untilLsn === null ? plan.fromLsn : `${plan.fromLsn} … ${plan.untilLsn}`;
    output.line(`promised   ${end} on timeline ${plan.timeline}, from ${plan.backup}, ${formatBytes(plan.plainBytes)}`);
  }
  if (reached !== null)
    output.line(
      `reached    ${reached.lsn}   ${reached.state === 'paused' ? 'stopped there, then promoted' : `the end of the WAL, now timeline ${reached.timeline}`}`,
    );
  if (amcheck.state === 'clean' || amcheck.state === 'damaged') {
    const what = `${amcheck.indexes} indexes and ${amcheck.tables} tables in ${amcheck.databases} databases`;
    output.line(
      `amcheck    ${amcheck.state === 'clean' ? `${what}: clean` : `${what}: ${amcheck.findings.length} findings`}${amcheck.heapAllIndexed ? ', every row in its indexes' : ''}`,
    );
    for (const finding of amcheck.findings.slice(0, FINDINGS_SHOWN)) output.line(`           ${finding}`);
  }
  const held = assertions.filter(({ holds }) => holds).length;
  if (assertions.length > 0) output.line(`assertions ${held} of ${assertions.length} hold`);
  output.line(
    `times      ${[`restore ${span(times.restoreMs)}`, `recovery ${span(times.recoveryMs)}`, `back in ${span(times.rtoMs)}`, `checks ${span(times.checksMs)}`].join('   ')}`,
  );
  for (const failure of report.failures) output.line(`${output.style('bad', 'failed')}     ${failure}`);
  for (const weakness of report.weaknesses) output.line(`${output.style('warn', 'unproven')}   ${weakness}`);
}

function verdictOf(output: Output, { verdict, plan }: DrillReport): string {
  if (verdict === 'passed') return `${output.style('good', 'passed')}     ${plan?.backup ?? ''} is proven`;
  if (verdict === 'failed') return output.style('bad', 'the drill failed');
  return output.style('warn', 'the drill proved nothing: the point was reached, and nobody looked whether the data is right');
}

function span(spanMs: number | null): string {
  return spanMs === null ? '?' : formatDuration(spanMs);
}
