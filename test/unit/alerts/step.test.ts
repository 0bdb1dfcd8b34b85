import fc from 'fast-check';
import { expect, test } from 'vitest';
import { alertKey, type AlertEvent, type Alerts } from '../../../src/alerts/alert.ts';
import type { Condition } from '../../../src/base/condition.ts';
import { stepAlerts } from '../../../src/alerts/step.ts';

const START = Date.parse('2026-11-21T12:00:00Z');
const MINUTE = 60_000;

function seen(state: Condition['state'], over: Partial<Condition> = {}): Condition {
  return {
    kind: 'wal-lagging',
    cluster: 'main',
    policy: undefined,
    subject: 'local',
    severity: 'late',
    state,
    what: `it is ${state}`,
    next: 'mend it',
    holdMs: 0,
    settleMs: 2 * MINUTE,
    ...over,
  };
}

/** What is told when this is seen minute by minute: `0 raised`, `5 over`. */
function tell(states: readonly Condition['state'][], over: Partial<Condition> = {}): readonly string[] {
  let alerts: Alerts = {};
  const told: string[] = [];
  for (const [minute, state] of states.entries()) {
    const step = stepAlerts(alerts, [seen(state, over)], new Date(START + minute * MINUTE));
    ({ alerts } = step);
    for (const { event } of step.events) told.push(`${minute} ${event}`);
  }
  return told;
}

const repeat = (state: Condition['state'], times: number): readonly Condition['state'][] => Array.from({ length: times }, () => state);

test('stepAlerts: what is wrong is told once however often it is seen, and once when it has been good for two minutes', () => {
  expect(tell(['good', 'bad', 'bad', 'bad', 'good', 'good', 'good', 'good'])).toEqual(['1 raised', '6 over']);
});

test('stepAlerts: what happened or did not is over at once', () => {
  expect(tell(['bad', 'bad', 'good', 'bad', 'good'], { settleMs: 0 })).toEqual(['0 raised', '2 over', '3 raised', '4 over']);
});

test('stepAlerts: a job that fails every other time is told of twice, and over when it has held for longer each time', () => {
  const flapping = Array.from({ length: 60 }, (_each, minute) => (minute % 2 === 0 ? 'bad' : 'good'));
  const told = tell([...flapping, ...repeat('good', 70)], { settleMs: 0, relapseMs: 2 * MINUTE });
  expect(told).toEqual(['0 raised', '1 over', '2 raised', '119 over']);
});

test('stepAlerts: what has not lasted long enough is told to nobody, nor that it is over', () => {
  expect(tell(['bad', 'good', 'bad', 'good'], { holdMs: MINUTE * 2 })).toEqual([]);
  expect(tell(['bad', 'bad', 'bad', 'good', 'good', 'good'], { holdMs: MINUTE * 2 })).toEqual(['2 raised', '5 over']);
});

test('stepAlerts: what could not be looked at stays as it was, wrong or well', () => {
  expect(tell(['unknown', 'unknown'])).toEqual([]);
  expect(tell(['bad', 'unknown', 'unknown', 'unknown', 'unknown'])).toEqual(['0 raised']);
  expect(tell(['bad', 'good', 'unknown', 'good'])).toEqual(['0 raised', '3 over']);
});

test('stepAlerts: what comes and goes every minute is told of once in an hour, and over once after it has stopped', () => {
  const flapping = Array.from({ length: 60 }, (_each, minute) => (minute % 2 === 0 ? 'bad' : 'good'));
  const told = tell([...flapping, ...repeat('good', 70)]);
  expect(told).toEqual(['0 raised', '119 over']);
});

test('stepAlerts: what comes back within an hour after it was over has to stay good for longer', () => {
  const told = tell(['bad', ...repeat('good', 3), 'bad', ...repeat('good', 6)]);
  expect(told).toEqual(['0 raised', '3 over', '4 raised', '9 over']);
});

test('stepAlerts: what is not looked at any more is over', () => {
  const { alerts } = stepAlerts({}, [seen('bad')], new Date(START));
  const { events } = stepAlerts(alerts, [], new Date(START + MINUTE));
  expect(events.map(({ event, alert }) => [event, alert.what])).toEqual([['over', 'it is bad; it is not looked at any more']]);
});

test('stepAlerts: a job, a slot and a cluster of the same kind of trouble are told of apart', () => {
  const { events } = stepAlerts({}, [seen('bad'), seen('bad', { subject: 'offsite' }), seen('bad', { cluster: 'other' })], new Date(START));
  expect(new Set(events.map(({ key }) => key)).size).toBe(3);
});

test('stepAlerts: an event is numbered, odd when something begins and even when it is over, also when it comes back', () => {
  let alerts: Alerts = {};
  const numbers: number[] = [];
  for (const [minute, state] of (['bad', 'good', 'bad', 'good'] as const).entries()) {
    const step = stepAlerts(alerts, [seen(state, { settleMs: 0 })], new Date(START + minute * MINUTE));
    ({ alerts } = step);
    numbers.push(...step.events.map(({ alert }) => alert.sequence));
  }
  expect(numbers).toEqual([1, 2, 3, 4]);
});

test('stepAlerts: whatever is seen and whenever, raised and over take turns, and nothing that is good is left raised', () => {
  const states = fc.array(
    fc.tuple(fc.constantFrom<Condition['state']>('bad', 'good', 'unknown'), fc.integer({ min: -MINUTE, max: 30 * MINUTE })),
    {
      maxLength: 60,
    },
  );
  fc.assert(
    fc.property(states, fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 5 }), (looks, hold, settle) => {
      let alerts: Alerts = {};
      let nowMs = START;
      const told: AlertEvent['event'][] = [];
      const look = (state: Condition['state'], afterMs: number): void => {
        nowMs += afterMs;
        const step = stepAlerts(alerts, [seen(state, { holdMs: hold * MINUTE, settleMs: settle * MINUTE })], new Date(nowMs));
        alerts = JSON.parse(JSON.stringify(step.alerts)) as Alerts;
        told.push(...step.events.map(({ event }) => event));
      };
      for (const [state, afterMs] of looks) look(state, afterMs);
      look('good', MINUTE);
      look('good', 61 * MINUTE + MINUTE);
      expect(told.every((event, index) => event === (index % 2 === 0 ? 'raised' : 'over'))).toBe(true);
      expect(told.length % 2).toBe(0);
      expect(alerts[alertKey(seen('good'))]?.phase ?? 'over').toBe('over');
    }),
    { seed: 20261121, numRuns: 300 },
  );
});
