import { describe, expect, test } from 'vitest';
import type { KnownLineage, RunningCluster } from '../../../../src/backup/adopt/inspect.ts';
import { planAdoption } from '../../../../src/backup/adopt/plan.ts';

const running: RunningCluster = {
  systemIdentifier: '7',
  timeline: 3,
  history: Buffer.from('1\t0/5000000\tno recovery target specified\n'),
  isStandby: false,
  hasSlot: false,
  archiving: { mode: 'off', command: '' },
  synchronousStandbys: '',
};
const known: KnownLineage = { name: 'local', newestTimeline: 2, history: 'absent', backup: undefined };
const statesOf = (...given: Parameters<typeof planAdoption>): Record<string, string> =>
  Object.fromEntries(planAdoption(...given).steps.map(({ step, state }) => [step, state]));

describe('planAdoption', () => {
  test('a new timeline needs its history, a slot and a first backup; receiving is left to whoever runs services', () => {
    expect(statesOf(running, [known], 'dbadmin')).toEqual({ timeline: 'to-do', slot: 'to-do', backup: 'to-do', receiver: 'by-hand' });
  });

  test('what is there is passed over, and each repository gets only what it lacks', () => {
    const done: KnownLineage = { name: 'offsite', newestTimeline: 3, history: 'same', backup: '20261121T000000Z-full' };
    const plan = planAdoption({ ...running, hasSlot: true }, [known, done], 'dbadmin');
    expect(plan).toMatchObject({ lacksHistory: ['local'], lacksBackup: ['local'] });
    expect(statesOf({ ...running, hasSlot: true }, [done], 'dbadmin')).toMatchObject({ timeline: 'done', slot: 'done', backup: 'done' });
  });

  test('a repository that is away is left by hand, and the others get what they lack', () => {
    const plan = planAdoption(running, [known], 'dbadmin', [{ name: 'offsite', reason: 'it is not mounted' }]);
    expect(plan.steps[0]).toMatchObject({
      step: 'repository',
      state: 'by-hand',
      text: expect.stringContaining('offsite: it is not mounted'),
    });
    expect(plan).toMatchObject({ lacksHistory: ['local'], lacksBackup: ['local'] });
  });

  test('a clone that somebody goes on with is told that it has the settings of one', () => {
    expect(statesOf({ ...running, isClone: true }, [known], 's')).toMatchObject({ configuration: 'by-hand' });
    expect(statesOf({ ...running, isClone: false }, [known], 's')).not.toHaveProperty('configuration');
  });

  test('standbys that commits wait for, and settings nobody could look at, are named', () => {
    expect(planAdoption({ ...running, synchronousStandbys: 'berlin' }, [known], 's').steps.at(-1)).toMatchObject({
      step: 'standbys',
      state: 'by-hand',
    });
    expect(statesOf({ ...running, archiving: undefined, synchronousStandbys: undefined }, [known], 's')).toMatchObject({
      archiving: 'by-hand',
    });
  });

  test.each([
    ['a standby', { ...running, isStandby: true }, known, 'refused'],
    ['a cluster that another went on after', running, { ...known, newestTimeline: 4 }, 'refused'],
    ['a second cluster on the same timeline', running, { ...known, history: 'different' as const }, 'wal-conflict'],
  ])('%s is not adopted', (_what, cluster, lineage, code) => {
    expect(() => planAdoption(cluster, [lineage], 'dbadmin')).toThrow(expect.objectContaining({ code }));
  });
});
