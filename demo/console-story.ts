import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { DEMO_DATABASE, type Background, type Stage } from './stage.ts';
import { pause, prepare, say } from './story.ts';

const CHARTS_DATABASE = 'charts';

/**
 * Makes what a console is looked at for: `main`, the listening warehouse, backed up, drilled, with a migration to come and roles
 * that somebody changed by hand; and `charts`, whose WAL has a gap and whose backups nobody has proven. A worker goes on with both.
 */
export async function playConsoleStory(
  stage: Stage,
  options: { readonly data: string | undefined; readonly plays: number },
  signal: AbortSignal,
): Promise<readonly Background[]> {
  const running: Background[] = [];
  try {
    const charts = await stage.addCluster(CHARTS_DATABASE, ["cluster_name = 'charts'", 'wal_keep_size = 0']);
    await describeProject(stage, charts);
    await prepare(stage, options, { quiet: true });
    await makeReadingRole(stage);
    signal.throwIfAborted();
    say('main: a worker receives its WAL and runs its jobs; some are run now');
    for (const cluster of ['main', CHARTS_DATABASE]) await stage.dbadmin(['backup', 'init', '--cluster', cluster], { quiet: true });
    await loseWalOfCharts(stage, charts);
    signal.throwIfAborted();
    running.push(stage.background(['worker', '--listen', 'off']));
    await pause(3000);
    await runJobs(stage, signal);
    await departFromPlan(stage);
    return running;
  } catch (error) {
    await Promise.allSettled(running.map(async (each) => await each.stop()));
    throw error;
  }
}

/** Whom the console looks as: it sees what a monitor sees, the history of migrations and jobs, and the reports. */
async function makeReadingRole(stage: Stage): Promise<void> {
  const sql = postgres(stage.url(stage.port), { max: 1, onnotice: () => undefined });
  await sql.unsafe(
    `create role console login password '${stage.password}'; grant pg_monitor, warehouse_auditor, warehouse_analyst to console`,
  );
  // The recommender is asked by the page with more to choose from than applications have: by its own functions.
  await sql.unsafe(
    'grant execute on function reco.by_preference, reco.next_track, reco.popular, reco.recommend, reco.sounds_like, quality.b7_trim, quality.b13_fold to console',
  );
  await sql.end();
  // The record of applied roles is beside no database's own.
  const maintenance = postgres(stage.url(stage.port, 'postgres'), { max: 1, onnotice: () => undefined });
  await maintenance.unsafe('grant usage on schema dbadmin to console; grant select on all tables in schema dbadmin to console');
  await maintenance.end();
}

/** dbadmin.yaml and policies, in the stage's copy of the project. */
async function describeProject(stage: Stage, chartsPort: number): Promise<void> {
  const reading = 'reading: { user: console, password: { from: env, name: PGPASSWORD } }';
  await writeFile(
    path.join(stage.project, 'dbadmin.yaml'),
    `version: 1
clusters:
  main: { url: "postgresql://postgres@127.0.0.1:${stage.port}/${DEMO_DATABASE}", repositories: [local], ${reading} }
  charts: { url: "postgresql://postgres@127.0.0.1:${chartsPort}/${CHARTS_DATABASE}", repositories: [charts] }
repositories:
  local: { type: disk, path: "${path.join(stage.directory, 'repository')}" }
  charts: { type: disk, path: "${path.join(stage.directory, 'repository-charts')}" }
`,
  );
  const file = path.join(stage.project, 'backups', 'policies.yaml');
  const [policies = '', jobs = ''] = (await readFile(file, 'utf8')).split(/^jobs:\n/m);
  await writeFile(
    file,
    `${policies}  charts:
    cluster: charts
    repositories: [charts]
    base: { full: { cron: "30 2 * * 0" }, incremental: { cron: "30 2 * * 1-6" } }
    wal: { mode: stream, rpo: 5s }
    retention: { window: 7d, minimum: 2 }
    drill: { cron: "30 4 * * 0", target: random }
    limits: { backup_age: 26h, wal_lag: 60s, drill_age: 8d }
jobs:
${jobs}  export: { sql: "copy report.monthly to stdout", cron: "0 6 1 * *" }
`,
  );
}

const PENDING_MIGRATION = `-- Listeners may note why they skipped a song.
ALTER TABLE core.play ADD COLUMN note text;
COMMENT ON COLUMN core.play.note IS 'What the listener wrote about it.';
CREATE INDEX play_note ON core.play (note);
`;

/** A backup; then its slot is left behind, as while a repository is away, and the server gives up what nobody fetched. */
async function loseWalOfCharts(stage: Stage, port: number): Promise<void> {
  say('charts: a backup, and a gap in its WAL: nobody received it for too long');
  const admin = postgres(stage.url(port, 'postgres'), { max: 1, onnotice: () => undefined });
  await admin.unsafe(`create database ${CHARTS_DATABASE}`);
  await admin.end();
  const receiver = stage.background(['wal', 'receive', '--cluster', CHARTS_DATABASE, '--rpo', '1s']);
  const sql = postgres(stage.url(port, CHARTS_DATABASE), { max: 1, onnotice: () => undefined });
  try {
    await sql.unsafe(`create table chart_entry (day date, position int, track text, primary key (day, position));
      insert into chart_entry select d, p, md5(p::text || d) from generate_series(current_date - 99, current_date, '1 day') d, generate_series(1, 50) p`);
    await stage.dbadmin(['backup', 'run', '--cluster', CHARTS_DATABASE], { quiet: true });
    await pause(1500);
    await receiver.stop();
    await sql`alter system set max_slot_wal_keep_size = '1MB'`;
    await sql`select pg_reload_conf()`;
    for (let times = 0; times < 4; times += 1)
      await sql.unsafe(`update chart_entry set track = track || ' ' where position = ${times + 1}; select pg_switch_wal()`);
    await sql.unsafe('checkpoint');
    // Enough from now on: only the past has a gap.
    await sql`alter system reset max_slot_wal_keep_size`;
    await sql`select pg_reload_conf()`;
  } finally {
    await sql.end({ timeout: 1 });
    // Whatever went wrong: nothing of the demo goes on after it.
    await receiver.stop().catch(() => undefined);
  }
}

async function runJobs(stage: Stage, signal: AbortSignal): Promise<void> {
  const quiet = { quiet: true } as const;
  await stage.dbadmin(['schedule', 'run', 'listening.full'], quiet);
  const sql = postgres(stage.url(stage.port), { max: 1, onnotice: () => undefined });
  await sql.unsafe(
    'create schema if not exists demo; create table demo.heartbeat (n int); insert into demo.heartbeat select generate_series(1, 10000)',
  );
  // What the worker records is made by it: only now there is something to grant.
  await sql.unsafe(`grant usage on schema dbadmin_jobs to console; grant select on all tables in schema dbadmin_jobs to console;
    alter default privileges in schema dbadmin_jobs grant select on tables to console`);
  // What the recommender looks at, so that it has something to recommend by.
  await sql.unsafe('call reco.refresh()');
  await sql.end();
  for (const job of ['listening.incremental', 'listening.drill', 'listening.verify']) {
    signal.throwIfAborted();
    await stage.dbadmin(['schedule', 'run', job], quiet);
  }
  // Client programs of this major need not be on the machine: then the console has that to tell.
  await stage.dbadmin(['schedule', 'run', 'listening.dump'], { quiet: true, expect: [1] });
  await stage.dbadmin(['schedule', 'run', 'export'], { quiet: true, expect: [1] });
  await stage.dbadmin(['schedule', 'pause', 'listening.dump', '--reason', 'the export disk is being moved'], quiet);
}

/** What the next plans find: a migration to come, and roles that are not as roles.yaml has them. */
async function departFromPlan(stage: Stage): Promise<void> {
  await writeFile(path.join(stage.project, 'sql', 'migrations', '20261121T120000_play_note.sql'), PENDING_MIGRATION);
  say('main: somebody helps themselves, past roles.yaml');
  const sql = postgres(stage.url(stage.port), { max: 1, onnotice: () => undefined });
  for (const statement of ['grant select on core.play to warehouse_analyst', 'alter role svc_bi connection limit -1']) {
    process.stdout.write(`listening=# ${statement};\n`);
    await sql.unsafe(statement);
  }
  await sql.end();
}
