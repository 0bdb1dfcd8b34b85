import { expect, test } from 'vitest';
import { alertKey, type Alert } from '../../../src/alerts/alert.ts';
import { mergeStates, settleOutbox } from '../../../src/alerts/merge.ts';
import { messageOfEvent } from '../../../src/alerts/message.ts';
import type { Queued } from '../../../src/alerts/outbox.ts';
import { NO_ALERTS, type AlertState } from '../../../src/alerts/state.ts';

const at = (minute: number): string => new Date(Date.parse('2026-11-21T12:00:00Z') + minute * 60_000).toISOString();

function alert(over: Partial<Alert> = {}): Alert {
  const common = { kind: 'backup-late', cluster: 'main', policy: null, subject: 'local', severity: 'late', phase: 'raised' } as const;
  return { ...common, since: at(0), badSince: at(0), what: 'w', next: 'n', sequence: 1, relapses: 0, settleMs: 0, ...over };
}

function queued(of: Alert, event: 'raised' | 'over', receiver = 'hook', attempts = 0): Queued {
  const message = messageOfEvent(
    { key: alertKey({ kind: of.kind, cluster: 'main', subject: of.subject ?? undefined }), event, at: of.since, alert: of },
    'shop',
  );
  return { receiver, message, queuedAt: of.since, attempts, nextAt: of.since, failure: null };
}

function state(alerts: readonly Alert[], outbox: readonly Queued[] = []): AlertState {
  return {
    alerts: Object.fromEntries(alerts.map((each) => [`${each.kind}/${each.cluster}/${each.subject}`, each])),
    outbox,
    lookedAt: at(0),
  };
}

test('mergeStates: of each alert the one goes on of which more was told, or that is newer', () => {
  const older = state([alert(), alert({ subject: 'a', phase: 'settling', since: at(3) })]);
  const newer = state([alert({ sequence: 2, phase: 'over', since: at(5) }), alert({ subject: 'a' }), alert({ subject: 'b' })]);
  for (const merged of [mergeStates(older, newer), mergeStates(newer, older)]) {
    expect(
      Object.values(merged.alerts)
        .map(({ subject, phase }) => `${subject ?? ''} ${phase}`)
        .sort(),
    ).toEqual(['a settling', 'b raised', 'local over']);
  }
});

test('mergeStates: what waits on either side is sent once, and what one side has sent is not sent again', () => {
  const raised = alert();
  const over = alert({ sequence: 2, phase: 'over', since: at(5) });
  const waiting = state([raised], [queued(raised, 'raised'), queued(raised, 'raised', 'mail')]);
  expect(mergeStates(waiting, waiting).outbox).toHaveLength(2);
  // The other one has told the webhook, and that it is over since.
  const went = state([over], [queued(raised, 'raised', 'mail', 3), queued(over, 'over'), queued(over, 'over', 'mail')]);
  for (const { outbox } of [mergeStates(waiting, went), mergeStates(went, waiting)]) {
    expect(outbox.map(({ receiver, message }) => `${receiver} ${message.event}`)).toEqual(['mail raised', 'hook over', 'mail over']);
  }
});

test('mergeStates: a trouble that both saw begin by themselves is told by the one that goes on', () => {
  const first = alert();
  const second = alert({ badSince: at(1), since: at(1) });
  const told = state([second]);
  expect(mergeStates(state([first], [queued(first, 'raised')]), told)).toMatchObject({ outbox: [] });
  // That an earlier one is over is still owed, whatever came after it.
  const before = queued(alert({ badSince: at(-9), sequence: 2, since: at(-5) }), 'over');
  expect(mergeStates(state([alert({ sequence: 3 })], [before]), NO_ALERTS).outbox).toEqual([before]);
});

test('settleOutbox: what was sent goes, what failed keeps its next attempt, and what others put in stays', () => {
  const raised = alert();
  const [hook, mail] = [queued(raised, 'raised'), queued(raised, 'raised', 'mail')];
  const other = queued(alert({ subject: 'b' }), 'raised');
  const later = { ...mail, attempts: 1, failure: 'away' };
  expect(settleOutbox([hook, mail, other], [hook, mail], [later])).toEqual([later, other]);
});
