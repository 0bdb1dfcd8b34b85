import { spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AlertEvent } from '../../../src/alerts/alert.ts';
import { takeBackup } from '../../../src/backup/take/run.ts';
import { systemClock, type Clock } from '../../../src/base/clock.ts';
import { silentLog } from '../../../src/base/log.ts';
import { lookForAlerts, openAlerts } from '../../../src/commands/alerts/look.ts';
import type { CommandContext } from '../../../src/commands/command.ts';
import { gatherStatus } from '../../../src/commands/status/gather.ts';
import { loadStatusProject, type StatusProject } from '../../../src/commands/status/load.ts';
import { judgeProject } from '../../../src/status/conditions.ts';
import { openRepository } from '../../../src/repository/repository.ts';
import { createDiskStore } from '../../../src/storage/disk.ts';
import { makeDirectory, removeDirectory } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startEmbeddedCluster } from '../../postgres/embedded-cluster.ts';
import { Project } from './project.ts';
import { isSigned, startMailServer, startWebhook, type MailServerStarted, type WebhookServer } from './receivers.ts';

const SECRET = 'known to both';
const HOUR_MS = 3_600_000;
let directory: string;
let place: string;
let isSmallDisk: boolean;
let cluster: TestCluster;
let project: Project;
let webhook: WebhookServer;
let mail: MailServerStarted;
let receiver: ChildProcess;
let sql: postgres.Sql;
/** Looks come ten minutes apart, so that what has to last or to settle has done so by the next. */
let lookedMs = Date.now();

beforeAll(async () => {
  directory = await makeDirectory();
  place = path.join(directory, 'repository');
  await mkdir(place);
  isSmallDisk = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', place]).status === 0;
  cluster = await startEmbeddedCluster({ major: 17, settings: { archive_mode: 'on', archive_command: "'true'" } });
  project = new Project(path.join(directory, 'project'));
  [webhook, mail] = await Promise.all([startWebhook(), startMailServer()]);
  project.env['OPS_WEBHOOK'] = webhook.url;
  await project.write(cluster.url(), place, policies('select count(*) = 0 from step'));
  await project.run('backup', 'init');
  sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  await sql`create table step (n int)`;
  await sql`insert into step values (1)`;
  receiver = await project.receive('200ms');
  await project.json('backup', 'run');
  await look();
});
afterAll(async () => {
  receiver.kill('SIGCONT');
  receiver.kill('SIGTERM');
  await once(receiver, 'exit');
  await sql.end();
  await cluster.stop();
  await Promise.all([webhook.close(), mail.close()]);
  if (isSmallDisk) spawnSync('umount', [place]);
  await removeDirectory(directory);
});

function policies(assertion: string): string {
  return `version: 1
mail: { host: 127.0.0.1, port: ${mail.port}, security: none, from: db@example.org }
policies:
  shop:
    cluster: main
    repositories: [local]
    base: { full: { cron: "0 2 1 1 *", timezone: UTC } }
    wal: { mode: stream, rpo: 200ms }
    drill: { cron: "0 4 1 1 *", timezone: UTC, assert: [{ sql: "${assertion}", is: true }] }
    limits: { backup_age: 26h, wal_lag: 60s, free: 1MB, slot_wal: 1MB }
    notify: [{ webhook: "\${OPS_WEBHOOK}", secret: "${SECRET}" }, { email: dba@example.org, on: [failed] }]
`;
}

function contextAt(clock: Clock): CommandContext {
  const output = { json: false, quiet: true } as CommandContext['output'];
  const env = { XDG_STATE_HOME: path.join(directory, 'state'), OPS_WEBHOOK: webhook.url };
  return {
    output,
    log: silentLog,
    clock,
    env,
    cwd: project.directory,
    signal: new AbortController().signal,
    version: 'test',
    stdin: process.stdin,
    patienceMs: 0,
    access: 'full',
  };
}

/** One look as a worker takes it, `laterMs` from now; gives what was told. */
async function look(laterMs = 0): Promise<readonly AlertEvent[]> {
  const at = (ms: number): Clock => ({ ...systemClock, now: () => new Date(ms) });
  const loaded: StatusProject = await loadStatusProject(contextAt(systemClock), { args: [], options: {} });
  if (loaded.policies === undefined) throw new Error(loaded.policiesProblem);
  const clock: Clock = { ...systemClock, now: () => new Date(Date.now() + laterMs) };
  const facts = await gatherStatus(contextAt(clock), { ...loaded, everything: false });
  lookedMs += 10 * 60_000;
  const context = contextAt(at(lookedMs));
  const { config, policies } = loaded;
  const { events, waiting } = await lookForAlerts(context, judgeProject(facts), { config, policies, store: openAlerts(context, config) });
  expect(waiting).toEqual([]);
  return events;
}

/** Looks until this is told, three times at least: what is told once must not be told again. */
async function told(laterMs = 0): Promise<readonly string[]> {
  const events: AlertEvent[] = [];
  for (let count = 0; count < 3 || (events.length === 0 && count < 12); count += 1) {
    if (count > 2) await new Promise((resolve) => setTimeout(resolve, 500));
    events.push(...(await look(laterMs)));
  }
  return events.map(({ event, alert }) => `${event} ${alert.kind}`);
}

async function until(query: string): Promise<void> {
  for (let tries = 0; tries < 150; tries += 1) {
    const [row] = await sql.unsafe<{ yes: boolean }[]>(`select (${query}) as yes`);
    if (row?.yes === true) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`it never came: ${query}`);
}

/** The fault, what it is called, what it says to do, and how it is mended. */
interface Fault {
  readonly kind: string;
  readonly severity: 'failed' | 'late';
  readonly next: RegExp;
  readonly make: () => Promise<unknown>;
  readonly mend: () => Promise<unknown>;
  /** Facts are gathered so much later than now. */
  readonly laterMs?: number;
}

const FAULTS: Readonly<Record<string, Fault>> = {
  'an archive_command that fails': {
    kind: 'archive-failing',
    severity: 'failed',
    next: /server log says what archive_command printed/,
    make: async () => {
      await sql`alter system set archive_command = 'false'`;
      await sql`select pg_reload_conf()`;
      await sql`insert into step values (2)`;
      await sql`select pg_switch_wal()`;
      await until('select failed_count > 0 from pg_stat_archiver');
    },
    mend: async () => {
      await sql`alter system set archive_command = 'true'`;
      await sql`select pg_reload_conf()`;
      await until('select last_archived_time > last_failed_time from pg_stat_archiver');
    },
  },
  'a replication slot that nobody reads': {
    kind: 'slot-abandoned',
    severity: 'failed',
    next: /select pg_drop_replication_slot\('old'\);/,
    make: async () => {
      await sql`select pg_create_physical_replication_slot('old', true)`;
      await sql`insert into step select g from generate_series(1, 50000) g`;
    },
    mend: async () => await sql`select pg_drop_replication_slot('old')`,
  },
  'WAL that lags': {
    kind: 'wal-lagging',
    severity: 'late',
    next: /wal receive or the worker runs/,
    make: async () => {
      receiver.kill('SIGSTOP');
      await sql`insert into step select g from generate_series(1, 1000) g`;
    },
    mend: async () => receiver.kill('SIGCONT'),
    laterMs: 120_000,
  },
  'a drill that fails': {
    kind: 'drill-failed',
    severity: 'failed',
    next: /dbadmin backup drill --cluster main --repository local --verify-report \S+-drill --json/,
    make: async () => expect((await project.run('backup', 'drill', '--skip-amcheck', '--policy', 'shop')).status).toBe(3),
    mend: async () => {
      await project.write(cluster.url(), place, policies('select count(*) > 0 from step'));
      // Its rows are in the WAL, and the receiver may still be catching up after the fault before.
      await until("select flush_lsn >= pg_current_wal_flush_lsn() from pg_stat_replication where state = 'streaming'");
      const { status, stdout, stderr } = await project.run('backup', 'drill', '--skip-amcheck', '--policy', 'shop');
      expect(status === 0 ? 'passed' : stdout + stderr).toBe('passed');
    },
  },
  'a repository whose disk is full': {
    kind: 'repository-full',
    severity: 'failed',
    next: /dbadmin backup expire --cluster main --repository local/,
    make: async () => {
      await writeFile(path.join(place, 'filler'), Buffer.alloc(64 * 1024 * 1024)).catch(() => undefined);
      await sql`insert into step values (3)`;
    },
    mend: async () => {
      await rm(path.join(place, 'filler'));
      // It comes back by itself, within half a minute.
      await until("select active from pg_replication_slots where slot_name = 'dbadmin'");
    },
  },
};

test.each(Object.entries(FAULTS))('%s is told of once, with what to do, and once when it is over', async (_what, fault) => {
  if (fault.kind === 'repository-full' && !isSmallDisk) throw new Error('a small tmpfs can only be mounted by root');
  await fault.make();
  await expectTold(fault, 'raised', await told(fault.laterMs));
  await fault.mend();
  await expectTold(fault, 'over', await told());
});

test('a backup that is late is told of once, with what to do, and once when it is over', async () => {
  const fault: Fault = {
    kind: 'backup-late',
    severity: 'late',
    next: /dbadmin backup run --cluster main --repository local/,
    make: async () => undefined,
    mend: async () => undefined,
  };
  // All is stored, so that only the backup is late a day later.
  await sql`select pg_switch_wal()`;
  await until("select flush_lsn >= pg_current_wal_flush_lsn() from pg_stat_replication where application_name = 'dbadmin wal receive'");
  const tomorrowMs = 27 * HOUR_MS;
  await expectTold(fault, 'raised', await told(tomorrowMs));
  await backUp({ ...systemClock, now: () => new Date(Date.now() + tomorrowMs) });
  // The storage's clock goes with it: otherwise the backup would be as old as what was stored.
  const tomorrow = new Date(Date.now() + tomorrowMs);
  const stored = (await readdir(place, { recursive: true })).filter((name) => path.basename(path.dirname(name)) === 'backups');
  for (const name of stored) await utimes(path.join(place, name), tomorrow, tomorrow);
  await expectTold(fault, 'over', await told(tomorrowMs));
});

async function backUp(clock: Clock): Promise<void> {
  await takeBackup({
    parameters: cluster.parameters(),
    connection: undefined,
    repositories: [{ name: 'local', repository: await openRepository(await createDiskStore(place), { kind: 'none' }) }],
    clusterName: 'main',
    tool: 'test',
    kind: 'incremental',
    fastCheckpoint: true,
    maxRateKb: undefined,
    clock,
    log: silentLog,
    signal: new AbortController().signal,
    onProgress: () => undefined,
  });
}

/** The webhook is told of everything and how it ends; mail of what failed, and of no end. */
async function expectTold({ kind, severity, next }: Fault, event: 'raised' | 'over', events: readonly string[]): Promise<void> {
  expect(events).toEqual([`${event} ${kind}`]);
  const posted = webhook.received.splice(0);
  expect(posted.map(({ message }) => `${message.event} ${message.kind}`)).toEqual([`${event} ${kind}`]);
  const [first] = posted;
  if (first === undefined) return;
  expect(isSigned(first, SECRET, Date.parse(first.message.at))).toBe(true);
  expect(first.message).toMatchObject({ severity, cluster: 'main' });
  expect(first.body).not.toMatch(/hook\/of-nobody-else|known to both/);
  if (event === 'raised') expect(first.message.next).toMatch(next);
  else expect(first.message.next).toBeNull();
  const mails = mail.mails.splice(0);
  expect(mails.map(({ to }) => to)).toEqual(severity === 'failed' && event === 'raised' ? [['dba@example.org']] : []);
}
