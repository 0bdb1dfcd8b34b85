import { describe, expect, test } from 'vitest';
import { judgeDrill, type DrillOutcome } from '../../../../src/backup/drill/judge.ts';
import type { DrillPlan, DrillReached } from '../../../../src/backup/drill/report.ts';

const PLAN: DrillPlan = {
  backup: '20261121T010000Z-full',
  backupKind: 'full',
  serverVersion: 170_010,
  timeline: 1,
  end: 'lsn',
  fromLsn: '0/5000028',
  untilLsn: '0/5000028',
  lastCommit: { xid: '757', at: '2026-11-21T05:39:02.267Z' },
  plainBytes: 1,
  walBytes: 1,
};
const REACHED: DrillReached = { state: 'paused', lsn: '0/5000028', timeline: 1, lastTransactionAt: null, lastCommit: 'committed' };
const CLEAN = { state: 'clean', databases: 1, indexes: 3, tables: 2, heapAllIndexed: false, findings: [] } as const;
const HELD = { sql: 'select 1', is: 1, got: '1', holds: true };

function outcome(changes: Partial<DrillOutcome> = {}): DrillOutcome {
  return { plan: PLAN, reached: REACHED, error: undefined, amcheck: CLEAN, assertions: [HELD], ...changes };
}

describe('judgeDrill', () => {
  test('a drill that reached its point and in which everything holds passes, with nothing to add', () => {
    expect(judgeDrill(outcome())).toEqual({ verdict: 'passed', failures: [], weaknesses: [] });
  });

  test('a point that was not reached fails it, though everything else holds', () => {
    expect(judgeDrill(outcome({ reached: { ...REACHED, lsn: '0/5000000' } }))).toMatchObject({
      verdict: 'failed',
      failures: ['The promised point was not reached: 0/5000000 was replayed, and 0/5000028 was promised.'],
    });
  });

  test('a point beyond the promised one fails it', () => {
    expect(judgeDrill(outcome({ reached: { ...REACHED, lsn: '0/5000060' } })).failures).toEqual([expect.stringContaining('beyond')]);
  });

  test('a clone that promoted itself early fails it, wherever it says it is', () => {
    expect(judgeDrill(outcome({ reached: { ...REACHED, state: 'open', timeline: 2 } })).failures).toEqual([
      expect.stringContaining('promoted early'),
    ]);
  });

  test('a last commit that the clone does not have fails it; one too old to tell does not', () => {
    expect(judgeDrill(outcome({ reached: { ...REACHED, lastCommit: 'absent' } })).failures).toEqual([
      expect.stringContaining('transaction 757'),
    ]);
    expect(judgeDrill(outcome({ reached: { ...REACHED, lastCommit: 'forgotten' } })).verdict).toBe('passed');
  });

  test('a recovery that ended with an error fails it with the error', () => {
    const judged = judgeDrill(
      outcome({ reached: null, error: 'Recovery ended with an error.', amcheck: { state: 'not-run' }, assertions: [] }),
    );
    expect(judged).toMatchObject({ verdict: 'failed', failures: ['Recovery ended with an error.'] });
    expect(judgeDrill(outcome({ reached: null })).failures).toEqual(['The clone did not start.']);
  });

  test('damage that amcheck finds, and an assertion that does not hold, fail it', () => {
    const amcheck = { ...CLEAN, state: 'damaged', findings: ['app: index play_pkey lacks a tuple'] } as const;
    expect(judgeDrill(outcome({ amcheck })).failures).toEqual([expect.stringContaining('play_pkey')]);
    const assertions = [{ ...HELD, is: 2, holds: false }];
    expect(judgeDrill(outcome({ assertions })).failures).toEqual(['The assertion "select 1" was to be 2 and gave 1.']);
  });

  test('a pass that proved nothing is none: nobody looked inside', () => {
    const judged = judgeDrill(outcome({ amcheck: { state: 'absent' }, assertions: [] }));
    expect(judged).toMatchObject({ verdict: 'proved-nothing', failures: [] });
    expect(judged.weaknesses).toEqual([expect.stringContaining('amcheck'), expect.stringContaining('No assertions')]);
  });

  test('what a pass leaves open is said: no assertions, no amcheck, nothing replayed', () => {
    expect(judgeDrill(outcome({ assertions: [] }))).toMatchObject({
      verdict: 'passed',
      weaknesses: [expect.stringContaining('No assertions')],
    });
    expect(judgeDrill(outcome({ amcheck: { state: 'absent' } }))).toMatchObject({
      verdict: 'passed',
      weaknesses: [expect.stringContaining('no amcheck')],
    });
    expect(judgeDrill(outcome({ plan: { ...PLAN, end: 'immediate', untilLsn: null, lastCommit: null } })).weaknesses).toEqual([
      expect.stringContaining('no WAL beyond'),
    ]);
    const lackingConfiguration = ['/etc/pg/conf.d, which /etc/pg/postgresql.conf includes'];
    expect(judgeDrill(outcome({ plan: { ...PLAN, lackingConfiguration } }))).toMatchObject({
      verdict: 'passed',
      weaknesses: ['A production restored from it may lack configuration: /etc/pg/conf.d, which /etc/pg/postgresql.conf includes.'],
    });
  });
});
