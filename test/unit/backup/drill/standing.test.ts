import { describe, expect, test } from 'vitest';
import type { DrillHeader, DrillPlan, DrillReport } from '../../../../src/backup/drill/report.ts';
import { settles, standingFailure } from '../../../../src/backup/drill/standing.ts';
import type { RecoverableWindow } from '../../../../src/backup/windows.ts';

const NOW = new Date('2026-11-22T00:00:00Z');
const ahead = '2027-01-01T00:00:00.000Z';
const drill = (label: string, verdict: DrillHeader['verdict'], parts: Partial<DrillHeader> = {}): DrillHeader => ({
  label,
  systemIdentifier: '7',
  finishedAt: '2026-11-21T00:00:00.000Z',
  backup: 'b1',
  backupStartLsn: '0/1000028',
  verdict,
  settles: [],
  ...parts,
});
const backup = (label: string, startLsn = '0/1000028') => ({ label, startLsn, finishedAt: '2026-11-20T00:00:00.000Z' });
const there = [backup('b1'), backup('b2', '0/2000028')];
const failed = drill('f', 'failed');
const other = { backup: 'b2', backupStartLsn: '0/2000028' };

describe('standingFailure: a drill that failed', () => {
  test.each<[string, DrillHeader[], ReturnType<typeof backup>[], string | undefined]>([
    ['stands', [failed], there, 'f'],
    ['stands though another backup passed', [failed, drill('p', 'passed', other)], there, 'f'],
    ['stands though the same was restored and nobody looked inside', [failed, drill('p', 'proved-nothing')], there, 'f'],
    ['stands though the same backup passed at an earlier moment', [failed, drill('p', 'passed')], there, 'f'],
    ['is settled by the pass that names it', [failed, drill('p', 'passed', { settles: ['f'] })], there, undefined],
    ['is settled so whatever the clocks said', [drill('p', 'passed', { settles: ['f'] }), failed], there, undefined],
    [
      'is settled, once its backup is gone, by any later pass',
      [failed, drill('p', 'passed', other)],
      [backup('b2', '0/2000028')],
      undefined,
    ],
    ['is not by a pass from before', [drill('p', 'passed', other), failed], [backup('b2', '0/2000028')], 'f'],
    [
      'of a backup that another took the label of is settled by any later pass',
      [failed, drill('p', 'passed', other)],
      [backup('b1', '0/9000028')],
      undefined,
    ],
    [
      'is settled by a pass of the same backup of an earlier version',
      [failed, { ...drill('p', 'passed'), settles: undefined } as unknown as DrillHeader],
      there,
      undefined,
    ],
    [
      'of a clock that was ahead is settled, once its backup is gone, by any pass',
      [drill('p', 'passed', other), drill('f', 'failed', { finishedAt: ahead })],
      [backup('b2', '0/2000028')],
      undefined,
    ],
    [
      'is not settled by a pass of a clock that was ahead',
      [failed, drill('p', 'passed', { ...other, finishedAt: ahead })],
      [backup('b2', '0/2000028')],
      'f',
    ],
    [
      'at a drawn moment stands while that could be restored',
      [drill('f', 'failed', { backup: null, drawn: '2026-11-20T12:00:00.000Z' }), drill('p', 'passed')],
      there,
      'f',
    ],
    [
      'at a drawn moment is settled later',
      [drill('f', 'failed', { backup: null, drawn: '2026-11-19T12:00:00.000Z' }), drill('p', 'passed')],
      there,
      undefined,
    ],
    [
      'at what somebody asked for, and no plan came about, is settled by any pass',
      [drill('f', 'failed', { backup: null }), drill('p', 'passed')],
      there,
      undefined,
    ],
  ])('%s', (_what, drills, backups, label) => {
    expect(standingFailure(drills, backups, NOW)?.label).toBe(label);
  });
});

describe('settles', () => {
  const plan = { backup: 'b1', backupStartLsn: '0/1000028', timeline: 1, fromLsn: '0/5000000' } as DrillPlan;
  const clean = { state: 'clean', databases: 1, indexes: 1, tables: 1, heapAllIndexed: false, findings: [] } as const;
  const target = { asked: 'latest', seed: null, moment: null };
  type Parts = Partial<Pick<DrillReport, 'plan' | 'amcheck' | 'target' | 'verdict'>>;
  const pass = (parts: Parts = {}) => ({ verdict: 'passed', plan, target, amcheck: clean, ...parts }) as const;
  const failure = (parts: Parts = {}) => ({ verdict: 'failed', plan, target, amcheck: { state: 'not-run' }, ...parts }) as const;
  const damaged = { ...clean, state: 'damaged' } as const;
  const moment = { asked: 'random', seed: 'x', moment: '2026-11-20T12:00:00.000Z' };

  test.each<[string, ReturnType<typeof pass>, ReturnType<typeof failure>, boolean]>([
    ['the same again', pass(), failure(), true],
    ['the same backup, further on', pass({ plan: { ...plan, fromLsn: '0/6000000' } }), failure(), true],
    ['the same backup, not as far', pass({ plan: { ...plan, fromLsn: '0/4000000' } }), failure(), false],
    ['another timeline, left before', pass({ plan: { ...plan, timeline: 1 } }), failure({ plan: { ...plan, timeline: 2 } }), false],
    ['another backup', pass({ plan: { ...plan, backup: 'b2' } }), failure(), false],
    ['a namesake', pass({ plan: { ...plan, backupStartLsn: '0/9000028' } }), failure(), false],
    ['no pass', { ...pass(), verdict: 'proved-nothing' } as unknown as ReturnType<typeof pass>, failure(), false],
    ['without the amcheck that found it', pass({ amcheck: { state: 'not-run' } }), failure({ amcheck: damaged }), false],
    ['with an amcheck that looks less closely', pass(), failure({ amcheck: { ...damaged, heapAllIndexed: true } }), false],
    ['with the amcheck that found it', pass(), failure({ amcheck: damaged }), true],
    ['the moment that was drawn', pass({ target: { ...moment, asked: 'to' } }), failure({ plan: null, target: moment }), true],
    ['another moment', pass({ target: { ...moment, moment: '2026-11-20T13:00:00.000Z' } }), failure({ plan: null, target: moment }), false],
  ])('%s: %s', (_what, passed, failedDrill, expected) => {
    expect(settles(passed, failedDrill, [window(), window({ timeline: 2 })])).toBe(expected);
  });

  const toTheEnd = pass({ plan: { ...plan, fromLsn: '0/1000100', end: 'end-of-wal' } });
  const early = pass({ plan: { ...plan, fromLsn: '0/1000100', end: 'lsn' } });
  const own = window({ toLsn: '0/2000000' });
  const drawn = failure({ plan: null, target: moment });
  const elsewhere = pass({ plan: { ...plan, backup: 'b2' } });
  const before = { from: '2026-01-01T00:00:00.000Z', to: '2026-01-01T00:10:00.000Z', toLsn: '0/2000000' };
  const after = window({ backup: 'b2', from: '2026-11-21T00:00:00.000Z' });

  test.each<[string, ReturnType<typeof pass>, ReturnType<typeof failure>, RecoverableWindow[], boolean]>([
    ['not as far, where the WAL goes on', toTheEnd, failure(), [window()], false],
    ['as far as the backup goes, where its WAL has gone', toTheEnd, failure(), [own], true],
    ['less far than that', early, failure(), [own], false],
    ['exactly as far as that', pass({ plan: { ...plan, fromLsn: '0/2000000', end: 'lsn' } }), failure(), [own], true],
    ['another backup, where the WAL has gone', elsewhere, failure(), [own, window({ backup: 'b2' })], false],
    [
      'as far, without the amcheck that found it',
      { ...toTheEnd, amcheck: { state: 'not-run' } },
      failure({ amcheck: damaged }),
      [own],
      false,
    ],
    ['as far, where the timeline has gone', toTheEnd, failure({ plan: { ...plan, timeline: 2 } }), [window()], true],
    ['a moment that can be restored', elsewhere, drawn, [window()], false],
    ['a moment before all that can be restored', elsewhere, drawn, [after], true],
    ['a moment between two stretches', elsewhere, drawn, [window(before), after], true],
    ['one that may be in a stretch of no known end', elsewhere, drawn, [window({ to: null })], false],
    ['one after a stretch of no known end that another follows', elsewhere, drawn, [window({ ...before, to: null }), after], true],
  ])('%s', (_what, passed, failedDrill, windows, expected) => {
    expect(settles(passed, failedDrill, windows)).toBe(expected);
  });

  function window(parts: Partial<RecoverableWindow> = {}): RecoverableWindow {
    const common = { backup: 'b1', timeline: 1, fromLsn: '0/1000100', toLsn: '0/A000000' };
    return { ...common, from: '2026-11-19T00:00:00.000Z', to: '2026-11-21T00:00:00.000Z', ...parts };
  }
});
