import type { Condition } from '../base/condition.ts';
import { alertKey, type Alert, type AlertEvent, type Alerts } from './alert.ts';

/** However often something comes back, it is called over when it has been good for an hour. */
const MOST_SETTLE_MS = 3_600_000;
/** One that comes back so soon after it was over is the same trouble. */
const RELAPSE_WITHIN_MS = 3_600_000;
/** What is over is forgotten after a day. */
const KEPT_OVER_MS = 86_400_000;

/** What follows from a look: the alerts as they are now, and what is to be told. */
export interface Step {
  readonly alerts: Alerts;
  readonly events: readonly AlertEvent[];
}

/**
 * The state machine of alerts: one event when something has been bad for long enough, one when it has been good for long
 * enough, none in between however often it is looked at.
 *
 * Flapping is damped: what is good must stay good for `settleMs` before it is over, and each time it comes back before that,
 * or within an hour after, that time doubles, up to an hour. So something that comes and goes every minute is told of once,
 * and over once. Something with `settleMs` 0 happened, or did not: it is over at once; with `relapseMs` not when it comes back
 * within an hour, as a job does that fails every other time.
 *
 * What could not be looked at stays as it was. What is not looked at any more (a job or repository that was taken out of
 * the configuration) is over at once.
 */
export function stepAlerts(before: Alerts, conditions: readonly Condition[], now: Date): Step {
  const alerts: Record<string, Alert> = {};
  const events: AlertEvent[] = [];
  const seen = new Set<string>();
  const keep = (key: string, step: { readonly alert: Alert | undefined; readonly event?: AlertEvent['event'] }): void => {
    if (step.alert === undefined) return;
    alerts[key] = step.alert;
    if (step.event !== undefined) events.push({ key, event: step.event, at: now.toISOString(), alert: step.alert });
  };
  for (const condition of conditions) {
    const key = alertKey(condition);
    seen.add(key);
    keep(key, stepOne(before[key], condition, now));
  }
  for (const [key, alert] of Object.entries(before)) {
    if (!seen.has(key)) keep(key, stepUnwatched(alert, now));
  }
  return { alerts, events };
}

type One = { readonly alert: Alert | undefined; readonly event?: AlertEvent['event'] };

function stepOne(known: Alert | undefined, seen: Condition, now: Date): One {
  if (seen.state === 'unknown') return { alert: known === undefined ? undefined : forgetIfOld(known, now) };
  if (seen.state === 'good') return stepGood(known, seen, now);
  if (known === undefined || known.phase === 'over') return begin(known, seen, now);
  const alert = { ...known, ...texts(seen) };
  if (known.phase === 'waiting') return raiseIfHeld(alert, seen, now);
  if (known.phase === 'raised') return { alert };
  const settleMs = Math.min(MOST_SETTLE_MS, Math.max(1, known.settleMs) * 2);
  return { alert: { ...alert, phase: 'raised', since: now.toISOString(), relapses: known.relapses + 1, settleMs } };
}

function begin(known: Alert | undefined, seen: Condition, now: Date): One {
  const at = now.toISOString();
  const relapseMs = seen.relapseMs ?? seen.settleMs;
  const isRelapse = known !== undefined && relapseMs > 0 && sinceMs(known.since, now) < RELAPSE_WITHIN_MS;
  const alert: Alert = {
    kind: seen.kind,
    cluster: seen.cluster ?? null,
    policy: seen.policy ?? null,
    subject: seen.subject ?? null,
    severity: seen.severity,
    phase: 'waiting',
    since: at,
    badSince: at,
    what: seen.what,
    next: seen.next,
    sequence: known?.sequence ?? 0,
    relapses: isRelapse ? known.relapses + 1 : 0,
    settleMs: isRelapse ? Math.min(MOST_SETTLE_MS, Math.max(relapseMs, known.settleMs * 2)) : seen.settleMs,
  };
  return raiseIfHeld(alert, seen, now);
}

function raiseIfHeld(alert: Alert, { holdMs }: Condition, now: Date): One {
  if (sinceMs(alert.badSince, now) < holdMs) return { alert };
  return { alert: { ...alert, phase: 'raised', since: now.toISOString(), sequence: alert.sequence + 1 }, event: 'raised' };
}

function stepGood(known: Alert | undefined, seen: Condition, now: Date): One {
  if (known === undefined || known.phase === 'waiting') {
    // Nobody was told, so there is nothing to take back; what it was before it waited again may still be of use.
    return { alert: known === undefined || known.sequence === 0 ? undefined : { ...known, phase: 'over', since: now.toISOString() } };
  }
  if (known.phase === 'over') return { alert: forgetIfOld(known, now) };
  const settling = known.phase === 'settling' ? known : { ...known, phase: 'settling' as const, since: now.toISOString() };
  if (sinceMs(settling.since, now) < known.settleMs) return { alert: settling };
  return end({ ...settling, what: seen.what }, now);
}

function stepUnwatched(alert: Alert, now: Date): One {
  if (alert.phase === 'waiting') return { alert: undefined };
  if (alert.phase === 'over') return { alert: forgetIfOld(alert, now) };
  return end({ ...alert, what: `${alert.what}; it is not looked at any more` }, now);
}

function end(alert: Alert, now: Date): One {
  return { alert: { ...alert, phase: 'over', since: now.toISOString(), sequence: alert.sequence + 1 }, event: 'over' };
}

function forgetIfOld(alert: Alert, now: Date): Alert | undefined {
  return alert.phase === 'over' && sinceMs(alert.since, now) >= KEPT_OVER_MS ? undefined : alert;
}

function texts({ what, next, severity, policy }: Condition): Pick<Alert, 'what' | 'next' | 'severity' | 'policy'> {
  return { what, next, severity, policy: policy ?? null };
}

/** A clock that was set back makes no time pass. */
function sinceMs(at: string, now: Date): number {
  return Math.max(0, now.getTime() - Date.parse(at));
}
