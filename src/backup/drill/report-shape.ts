import type { DrillReport } from './report.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Whether what a stored document calls its report is one: its signature says who wrote it, and where nothing is encrypted anybody may have. */
export function isDrillReport(report: unknown): report is DrillReport {
  const { verdict, failures, weaknesses, finishedAt, target, plan, reached, amcheck, assertions, times, ...texts } = fieldsOf(report);
  if (![texts['label'], texts['repository'], texts['startedAt'], finishedAt].every(isText)) return false;
  if (Number.isNaN(Date.parse(String(finishedAt))) || !['passed', 'failed', 'proved-nothing'].includes(String(verdict))) return false;
  if (!isListOf(failures, isText) || !isListOf(weaknesses, isText) || !isListOf(assertions, isFields)) return false;
  return isTarget(target) && isPlan(plan) && isReached(reached) && isAmcheck(amcheck) && isTimes(times);
}

function isTarget(value: unknown): boolean {
  const { asked, seed, moment } = fieldsOf(value);
  return isText(asked) && isNullOr(seed, isText) && isNullOr(moment, isText);
}

function isPlan(value: unknown): boolean {
  return isNullOr(value, (plan) => {
    const { backup, fromLsn, untilLsn, timeline, serverVersion, plainBytes, walBytes } = fieldsOf(plan);
    if (!isText(backup) || !isText(fromLsn) || !isNullOr(untilLsn, isText)) return false;
    return [timeline, serverVersion, plainBytes, walBytes].every(isNumber);
  });
}

function isReached(value: unknown): boolean {
  return isNullOr(value, (reached) => {
    const { state, lsn, timeline } = fieldsOf(reached);
    return isText(state) && isText(lsn) && isNumber(timeline);
  });
}

function isAmcheck(value: unknown): boolean {
  const { state, findings } = fieldsOf(value);
  return isText(state) && (isListOf(findings, isText) || !['clean', 'damaged'].includes(String(state)));
}

function isTimes(value: unknown): boolean {
  const { planMs, restoreMs, recoveryMs, rtoMs, checksMs } = fieldsOf(value);
  // Not all versions kept the first.
  return [planMs ?? null, restoreMs, recoveryMs, rtoMs, checksMs].every((each) => isNullOr(each, isNumber));
}

function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {};
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

function isListOf(value: unknown, is: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(is);
}

function isNullOr(value: unknown, is: (value: unknown) => boolean): boolean {
  return value === null || is(value);
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function isNumber(value: unknown): boolean {
  return Number.isFinite(value);
}
