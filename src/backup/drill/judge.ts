import { parseLsn } from '../../postgres/lsn.ts';
import type { AmcheckResult, AssertionResult, DrillPlan, DrillReached, DrillVerdict } from './report.ts';

/** What a drill came to before it is judged. */
export interface DrillOutcome {
  readonly plan: DrillPlan | null;
  readonly reached: DrillReached | null;
  /** What stopped it, as a sentence. */
  readonly error: string | undefined;
  readonly amcheck: AmcheckResult;
  readonly assertions: readonly AssertionResult[];
}

export interface Judgement {
  readonly verdict: DrillVerdict;
  readonly failures: readonly string[];
  readonly weaknesses: readonly string[];
}

/** Whether a drill proved what it was for. A drill in which nobody looked inside the clone proves nothing, and is no pass. */
export function judgeDrill(outcome: DrillOutcome): Judgement {
  const { plan, reached, amcheck, assertions, error } = outcome;
  const failures = [
    ...(error === undefined ? [] : [error]),
    ...(plan !== null && reached !== null ? missedPoint(plan, reached) : []),
    ...(amcheck.state === 'damaged'
      ? [
          `amcheck found ${amcheck.findings.length === 100 ? 'a hundred faults or more' : `${amcheck.findings.length} faults`}: ${amcheck.findings[0] ?? ''}`,
        ]
      : []),
    ...assertions
      .filter(({ holds }) => !holds)
      .map(({ sql, is, got }) => `The assertion ${JSON.stringify(sql)} was to be ${String(is)} and gave ${got}.`),
  ];
  if (failures.length === 0 && (plan === null || reached === null)) failures.push('The clone did not start.');
  const weaknesses = [
    ...(plan?.suspicion === undefined ? [] : [`The backup is suspect. ${plan.suspicion}`]),
    ...(plan?.lackingConfiguration ?? []).map((each) => `A production restored from it may lack configuration: ${each}.`),
    ...(amcheck.state === 'absent' ? ['The server programs used have no amcheck: indexes and tables were not looked into.'] : []),
    ...(amcheck.state === 'not-run' ? ['amcheck was not run: indexes and tables were not looked into.'] : []),
    ...(assertions.length === 0 ? ['No assertions are configured: nobody asked whether the right rows are there.'] : []),
    ...(plan?.end === 'immediate' ? ['The target lies at the end of the backup: no WAL beyond it was replayed.'] : []),
  ];
  const looked = assertions.length > 0 || amcheck.state === 'clean' || amcheck.state === 'damaged';
  return { verdict: failures.length > 0 ? 'failed' : looked ? 'passed' : 'proved-nothing', failures, weaknesses };
}

/** The ways in which a clone can be up and still not be what was promised. */
function missedPoint(plan: DrillPlan, reached: DrillReached): readonly string[] {
  const faults: string[] = [];
  const lsn = parseLsn(reached.lsn);
  if (plan.end !== 'end-of-wal' && reached.state === 'open')
    faults.push(`It was promoted early: recovery was to stop at ${plan.fromLsn}, and the clone was open before that was looked at.`);
  if (lsn < parseLsn(plan.fromLsn))
    faults.push(`The promised point was not reached: ${reached.lsn} was replayed, and ${plan.fromLsn} was promised.`);
  if (plan.untilLsn !== null && lsn > parseLsn(plan.untilLsn))
    faults.push(`It went beyond the promised point: ${reached.lsn} was replayed, and ${plan.untilLsn} was to be the end.`);
  if (plan.lastCommit !== null && reached.lastCommit !== 'committed' && reached.lastCommit !== 'forgotten')
    faults.push(
      `The last commit is missing: transaction ${plan.lastCommit.xid} of ${plan.lastCommit.at} was promised, and the clone does not have it.`,
    );
  return faults;
}
