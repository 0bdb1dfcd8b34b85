import { expect, test } from 'vitest';
import { gatherJobs, type RunHistory } from '../../../src/commands/status/gather-jobs.ts';
import type { Policies } from '../../../src/schedule/policies.ts';
import type { Known } from '../../../src/status/facts.ts';
import { at, job } from '../schedule/job.ts';

const NOW = at('2026-11-21T12:00:00Z');
const policies = { file: 'policies.yaml', policies: new Map(), jobs: [job('hourly', '0 * * * *')] } as unknown as Policies;

function facts(history: Known<RunHistory> | undefined) {
  const [found] = gatherJobs(policies, [], history, NOW);
  return { last: found?.last, missedAt: found?.missedAt };
}

function seenSince(since: string): Known<RunHistory> {
  return { kind: 'known', value: { jobs: new Map(), pauses: new Map(), since: new Map([['hourly', at(since)]]) } };
}

test('jobs: one that never ran is late from the first time at which somebody had it in the schedule, and not from before', () => {
  const never = { kind: 'known', value: undefined };
  expect(facts(seenSince('2026-11-21T09:30:00Z'))).toEqual({ last: never, missedAt: at('2026-11-21T10:00:00Z') });
  expect(facts(seenSince('2026-11-21T11:30:00Z'))).toEqual({ last: never, missedAt: undefined });
});

test('jobs: times that passed before the schedule had a job are not missed', () => {
  const ran = {
    startedAt: at('2026-11-14T00:00:00Z'),
    endedAt: at('2026-11-14T00:01:00Z'),
    outcome: 'succeeded',
    message: undefined,
  } as const;
  const history = (since: string): Known<RunHistory> => ({
    kind: 'known',
    value: {
      jobs: new Map([['hourly', { last: ran, lastSuccess: undefined }]]),
      pauses: new Map(),
      since: new Map([['hourly', at(since)]]),
    },
  });
  expect(facts(history('2026-11-21T11:30:00Z')).missedAt).toBeUndefined();
  expect(facts(history('2026-11-01T00:00:00Z')).missedAt).toEqual(at('2026-11-14T01:00:00Z'));
});

test('jobs: without records nothing is known of what leaves no result, and nothing is late', () => {
  const unknown = { last: { kind: 'unknown', why: 'no worker keeps records of it' }, missedAt: undefined };
  expect(facts(undefined)).toEqual(unknown);
  expect(facts({ kind: 'known', value: { jobs: new Map(), pauses: new Map(), since: new Map() } })).toEqual(unknown);
});

test('jobs: what was due in a pause that is over is not missed, and from its end on it is; a pause that goes on is told with its end', () => {
  const paused = (until: string | undefined): Known<RunHistory> => ({
    kind: 'known',
    value: {
      jobs: new Map(),
      pauses: new Map([['hourly', { at: at('2026-11-21T08:00:00Z'), until: until === undefined ? undefined : at(until) }]]),
      since: new Map([['hourly', at('2026-11-21T08:30:00Z')]]),
    },
  });
  const told = (until: string | undefined) => {
    const [found] = gatherJobs(policies, [], paused(until), NOW);
    return [found?.isPaused, found?.pausedUntil, found?.missedAt];
  };
  expect(told('2026-11-21T11:30:00Z')).toEqual([false, undefined, undefined]);
  expect(told('2026-11-21T11:00:00Z')).toEqual([false, undefined, at('2026-11-21T11:00:00Z')]);
  expect(told('2026-11-21T14:00:00Z').slice(0, 2)).toEqual([true, at('2026-11-21T14:00:00Z')]);
  expect(told(undefined).slice(0, 2)).toEqual([true, undefined]);
});
