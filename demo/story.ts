import path from 'node:path';
import postgres, { type Sql } from 'postgres';
import { formatDuration } from '../src/base/durations.ts';
import { differences, fingerprint } from './fingerprint.ts';
import { DEMO_DATABASE, openStage, type RunOptions, type Stage } from './stage.ts';

export interface DemoOptions {
  /** Directory with the user's own files, or undefined for generated ones. */
  readonly data: string | undefined;
  readonly major: number;
  /** How many plays are generated where there are no files. */
  readonly plays: number;
  readonly keep: boolean;
}

export const say = (text: string): void => void process.stdout.write(`\n── ${text}\n`);
export const pause = async (delayMs: number): Promise<void> => await new Promise((resolve) => setTimeout(resolve, delayMs));

/** Plays the main job end to end; exit status 0 only when every row came back. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const startedMs = Date.now();
  say(`a PostgreSQL ${options.major} cluster of its own, in a temporary directory`);
  const stage = await openStage(options.major);
  let isKept = false;
  const onSignal = (): void => void stage.close().finally(() => process.exit(130));
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  try {
    await prepare(stage, options);
    const same = await loseAndRecover(stage);
    say(`${same ? 'done' : 'FAILED'} in ${formatDuration(Date.now() - startedMs)}`);
    if (options.keep) {
      isKept = true;
      sayWhereThingsAre(stage);
    } else process.stdout.write('nothing is left behind; --keep leaves the clusters running to look around\n');
    return same ? 0 : 1;
  } finally {
    process.removeListener('SIGINT', onSignal);
    process.removeListener('SIGTERM', onSignal);
    if (!isKept) await stage.close();
  }
}

/** Migrates, gives roles their privileges and loads listening data. */
export async function prepare(stage: Stage, options: Pick<DemoOptions, 'data' | 'plays'>, shown: RunOptions = {}): Promise<void> {
  const admin = postgres(stage.url(stage.port, 'postgres'), { max: 1 });
  await admin.unsafe(`create database ${DEMO_DATABASE}`);
  await admin.end();
  say('migrate: the schema of the listening warehouse');
  await stage.dbadmin(['migrate', 'up', '--yes', '--no-schema-file'], shown);
  say('roles: who may do what, from roles/roles.yaml');
  await stage.dbadmin(['roles', 'apply', '--yes'], shown);
  await stage.dbadmin(['roles', 'check'], shown);
  say(options.data === undefined ? 'load: generated listening data' : `load: the files in ${options.data}`);
  const data = options.data ?? path.join(stage.directory, 'data');
  if (options.data === undefined)
    await stage.dbadmin(
      ['spotify', 'generate', '--listeners', '20', '--plays', String(options.plays), '--seed', '1', '--out', data],
      shown,
    );
  await stage.dbadmin(['spotify', 'load', path.resolve(data)], shown);
}

/** Commits numbered rows until told to stop; knows what the server has acknowledged. */
interface Writer {
  readonly acknowledged: { n: number; atMs: number }[];
  stop(): Promise<void>;
}

function startWriter(sql: Sql): Writer {
  const acknowledged: { n: number; atMs: number }[] = [];
  const over = new AbortController();
  const running = (async () => {
    for (let n = 1; !over.signal.aborted; n += 1) {
      await sql`insert into demo.heartbeat (n) values (${n})`;
      acknowledged.push({ n, atMs: Date.now() });
      await pause(5);
    }
  })();
  return {
    acknowledged,
    stop: async () => {
      over.abort();
      await running;
    },
  };
}

async function loseAndRecover(stage: Stage): Promise<boolean> {
  const sql = postgres(stage.url(stage.port), { max: 1, onnotice: () => undefined });
  try {
    await sql.unsafe(
      'create schema demo; create table demo.heartbeat (n int primary key, at timestamptz not null default clock_timestamp())',
    );
    say('back up while writes go on, with the WAL streamed beside it');
    await stage.dbadmin(['backup', 'init']);
    await stage.dbadmin(['backup', 'check']);
    const receiver = stage.background(['wal', 'receive', '--rpo', '1s']);
    const writer = startWriter(sql);
    const backupStartedMs = Date.now();
    await stage.dbadmin(['backup', 'run']);
    const backupMs = Date.now() - backupStartedMs;
    await pause(1000);
    await writer.stop();
    const before = await fingerprint(sql);
    await pause(20);
    const moment = new Date();
    const last = writer.acknowledged.at(-1);
    await pause(20);
    say(
      `${moment.toISOString()} is the moment to come back to: ${before.length} tables, ${before.reduce((sum, { rows }) => sum + rows, 0).toLocaleString('en')} rows`,
    );
    await destroy(sql);
    await pause(2500);
    await receiver.stop();
    return await recover(stage, { before, moment, lastN: last?.n ?? 0, backupMs });
  } finally {
    await sql.end({ timeout: 1 });
  }
}

async function destroy(sql: Sql): Promise<void> {
  say('somebody drops a table, and forgets a WHERE');
  const statements = [
    'drop table core.play cascade',
    'delete from core.playlist_track_subgenre',
    'insert into demo.heartbeat (n) values (-1)',
  ];
  for (const statement of statements) {
    process.stdout.write(`listening=# ${statement};\n`);
    await sql.unsafe(statement);
  }
}

interface Expectation {
  readonly before: Awaited<ReturnType<typeof fingerprint>>;
  readonly moment: Date;
  readonly lastN: number;
  readonly backupMs: number;
}

async function recover(stage: Stage, expected: Expectation): Promise<boolean> {
  say('restore to the moment before, into a second cluster');
  const startedMs = Date.now();
  const target = expected.moment.toISOString();
  const { stdout } = await stage.dbadmin(['restore', '--to', target, '--into', stage.clone, '--start', '--yes']);
  const restoreMs = Date.now() - startedMs;
  const port = Number(/127\.0\.0\.1:(\d+) /.exec(stdout.slice(stdout.indexOf('open ')))?.[1]);
  const clone = postgres(stage.url(port), { max: 1 });
  try {
    say('compare, table by table and row by row');
    const found = differences(expected.before, await fingerprint(clone));
    const [row] = await clone<{ last: number; later: string }[]>`
      select max(n) as last, count(*) filter (where n < 0)::text as later from demo.heartbeat`;
    for (const { table, rows } of expected.before)
      process.stdout.write(
        `  ${found.some((each) => each.startsWith(`${table} `)) ? 'DIFFERS' : 'same'}  ${table}  ${rows.toLocaleString('en')} rows\n`,
      );
    for (const each of found) process.stdout.write(`  ${each}\n`);
    const lost = expected.lastN - (row?.last ?? 0);
    say('what happened');
    process.stdout.write(`  backup   ${formatDuration(expected.backupMs)}, while a client committed\n`);
    process.stdout.write(
      `  RPO      ${lost} acknowledged commits lost of ${expected.lastN}; ${row?.later ?? '?'} of the commits after the moment came back\n`,
    );
    process.stdout.write(`  RTO      ${formatDuration(restoreMs)} from the command to a database that answers\n`);
    return found.length === 0 && lost === 0 && row?.later === '0';
  } finally {
    await clone.end({ timeout: 1 });
  }
}

function sayWhereThingsAre(stage: Stage): void {
  const pgCtl = path.join(stage.programs.binDirectory, 'pg_ctl');
  const as =
    stage.programs.runAs === undefined
      ? ''
      : `setpriv --reuid=${stage.programs.runAs.uid} --regid=${stage.programs.runAs.gid} --clear-groups `;
  process.stdout.write(`look around:
  export DATABASE_URL=${stage.env['DATABASE_URL']} PGPASSWORD=${stage.password} DBADMIN_REPOSITORY=${stage.env['DBADMIN_REPOSITORY']}
  npx dbadmin migrate status
  npx dbadmin backup list
  npx dbadmin backup info
end it:
  ${as}${pgCtl} -D ${stage.primary} stop; ${as}${pgCtl} -D ${stage.clone} stop; rm -rf ${stage.directory}
`);
}
