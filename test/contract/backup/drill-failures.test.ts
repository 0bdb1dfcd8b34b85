import { generateKeyPairSync } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { DbadminError } from '../../../src/base/errors.ts';
import { checkRepository } from '../../../src/backup/check/repository-inspect.ts';
import { readProofs, recordDrill, type RecordedDrill } from '../../../src/backup/drill/record.ts';
import type { DrillHeader, DrillPlan } from '../../../src/backup/drill/report.ts';
import { runDrill, type DrillRun } from '../../../src/backup/drill/run.ts';
import { standingFailure } from '../../../src/backup/drill/standing.ts';
import { ensureClusterIdentity } from '../../../src/repository/identity.ts';
import { listBackups, writeManifest } from '../../../src/repository/manifest.ts';
import { writeReport } from '../../../src/repository/reports.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { passThrough } from '../../../src/storage/pass-through.ts';
import { ManualClock } from '../../backup/manual-clock.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { fileOf, summaryOf, SYSTEM } from '../../backup/small-backups.ts';

const { privateKey } = generateKeyPairSync('ed25519');
const NOW = new Date('2026-11-22T00:00:00.000Z');
const ELSEWHERE = 'f'.repeat(32);
let repository: Repository;
let second = 0;

beforeEach(async () => {
  repository = await makeMemoryRepository();
  await ensureClusterIdentity(repository, { systemIdentifier: SYSTEM, name: 'main', serverVersion: 180004, walSegmentBytes: 1024 * 1024 });
  await writeManifest(repository, summaryOf('monthly'), [fileOf([Buffer.from('a')])]);
});

const plan = (parts: Partial<DrillPlan>): DrillPlan => ({
  backup: 'monthly',
  backupKind: 'full',
  backupStartLsn: '0/2000028',
  serverVersion: 180004,
  timeline: 1,
  end: 'end-of-wal',
  fromLsn: '0/2000120',
  untilLsn: null,
  lastCommit: null,
  plainBytes: 1,
  walBytes: 1,
  ...parts,
});

/** Records a drill of the monthly backup as far as `fromLsn`; gives its label. */
async function record(fromLsn: string, error?: string): Promise<string> {
  return (await recorded(repository, fromLsn, error)).report.label;
}

async function recorded(into: Repository, fromLsn: string, error?: string): Promise<RecordedDrill> {
  second += 1;
  const at = new Date(Date.parse('2026-11-21T03:00:00.000Z') + second * 1000);
  const run: DrillRun = {
    plan: plan({ fromLsn }),
    reached: error === undefined ? { state: 'open', lsn: fromLsn, timeline: 1, lastTransactionAt: null, lastCommit: null } : null,
    error,
    amcheck:
      error === undefined
        ? { state: 'clean', databases: 1, indexes: 1, tables: 1, heapAllIndexed: false, findings: [] }
        : { state: 'not-run' },
    assertions: [],
    target: { asked: 'latest', seed: null, moment: null },
    times: { planMs: 1, restoreMs: 1, recoveryMs: 1, rtoMs: 1, checksMs: 1 },
  };
  const subject = { tool: 'test', cluster: 'main', systemIdentifier: SYSTEM, repository: 'first', startedAt: at, finishedAt: at };
  return await recordDrill(into, subject, run, privateKey);
}

/** Puts down the header of a drill that another repository made, as sync copies it. */
async function copied(parts: Partial<DrillHeader>): Promise<void> {
  second += 1;
  const at = new Date(Date.parse('2026-11-21T03:00:00.000Z') + second * 1000);
  await writeReport(repository, SYSTEM, 'drill', at, (label) => {
    const header: DrillHeader = {
      label,
      systemIdentifier: SYSTEM,
      finishedAt: at.toISOString(),
      backup: 'monthly',
      backupStartLsn: '0/2000028',
      verdict: 'passed',
      settles: [],
      repositoryId: ELSEWHERE,
      ...parts,
    };
    return { header, body: {} };
  });
}

async function standing(): Promise<string | undefined> {
  const { own } = await readProofs(repository, SYSTEM, NOW);
  return standingFailure(own, await listBackups(repository, SYSTEM), NOW)?.label;
}

test('a failure beyond the WAL that retention left of the backup ends with a pass as far as that goes', async () => {
  const failed = await record('0/9000000', 'Recovery ended with an error.');
  expect(await standing()).toBe(failed);
  await record('0/2000120');
  expect(await standing()).toBeUndefined();
});

test('what a drill saw is there though its report cannot be stored, and nothing is proven by it', async () => {
  const denied = new DbadminError('storage-denied', 'permission denied');
  const store = {
    ...passThrough(repository.store),
    create: async () => await Promise.reject(denied),
  };
  const { report, unstored } = await recorded({ ...repository, store }, '0/2000120');
  expect(report).toMatchObject({ verdict: 'passed', reached: { lsn: '0/2000120' } });
  expect(unstored).toBe(denied);
  expect((await readProofs(repository, SYSTEM, NOW)).all).toEqual([]);
});

test('a failure of another repository, which sync copied here, does not stand here', async () => {
  await copied({ verdict: 'failed' });
  expect(await standing()).toBeUndefined();
});

test('a pass of another repository neither ends a failure here nor proves the backup here', async () => {
  const failed = await record('0/2000120', 'The clone did not start.');
  await copied({ settles: [failed] });
  expect(await standing()).toBe(failed);
  const { provenBy, all, last, lastPassed } = await readProofs(repository, SYSTEM, NOW);
  expect(provenBy({ label: 'monthly', startLsn: '0/2000028' })).toBeUndefined();
  expect([last?.label, lastPassed]).toEqual([failed, undefined]);
  expect(all).toHaveLength(2);
  const label = await record('0/2000120');
  const later = await readProofs(repository, SYSTEM, NOW);
  expect([later.last?.label, later.lastPassed?.label]).toEqual([label, label]);
  expect(later.provenBy({ label: 'monthly', startLsn: '0/2000028' })?.label).toBe(label);
  expect(await standing()).toBeUndefined();
});

test('a repository from which nobody has restored says so, whatever drills sync brings', async () => {
  await copied({});
  const findings = await checkRepository(repository, {
    name: 'copy',
    clusterName: 'main',
    systemIdentifier: SYSTEM,
    limits: { dumpsOnly: [], backupAgeMs: undefined, drillAgeMs: 8 * 86_400_000 },
    clock: new ManualClock(NOW.getTime()),
  });
  expect(findings.filter(({ what }) => what === 'repository copy drill')).toMatchObject([
    { state: 'problem', detail: 'never: no backup here has been restored to see whether it can be' },
  ]);
});

test('a storage that does not answer is no failure of the backup: there is no drill to record', async () => {
  const away = async (): Promise<never> => await Promise.reject(new DbadminError('storage-failed', 'nobody answers'));
  const store = { ...passThrough(repository.store), read: away, readRange: away, probe: away };
  const held = runDrill({
    repository: { ...repository, store },
    clusterName: 'main',
    systemIdentifier: SYSTEM,
    aim: { kind: 'latest' },
    backup: undefined,
    assertions: [],
    database: 'postgres',
    roles: ['postgres'],
    amcheck: 'off',
    scratch: '/nowhere',
    findPrograms: async () => await Promise.reject(new DbadminError('program-missing', 'none is needed')),
    timeoutSeconds: 1,
    clock: systemClock,
    signal: new AbortController().signal,
    onPhase: () => undefined,
    onProgress: () => undefined,
  });
  await expect(held).rejects.toMatchObject({ code: 'storage-failed' });
});
