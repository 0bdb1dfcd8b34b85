import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { parseConfig } from '../../src/config/parse.ts';
import { readFiles } from '../../src/migrate/inspect.ts';
import { checkLock } from '../../src/migrate/schema/lock-file-apply.ts';
import { parsePolicies } from '../../src/schedule/parse.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const text = (name: string): string => readFileSync(path.join(ROOT, name), 'utf8');

test("the reference project's lock file lists its migrations; else run dbadmin migrate validate --offline --write-lock", async () => {
  const directories = { project: ROOT, migrations: path.join(ROOT, 'sql/migrations'), routines: path.join(ROOT, 'sql/routines') };
  expect(await checkLock(directories, await readFiles(directories))).toEqual([]);
});

test.each([
  ['on disk', (file: string) => file, ['local']],
  [
    'on disk and in a bucket, where the marks of dbadmin.yaml are taken away',
    (file: string) => file.replaceAll(/^ {2}# (.*(?::|").*)$/gm, '  $1'),
    ['local', 'offsite'],
  ],
] as const)('E1: type, schedule, place and retention of its backups are data: %s', (_, change, places) => {
  const env = { DATABASE_URL: 'postgresql://db.example.org/listening', DBADMIN_BUCKET: 'acme-backup', DBADMIN_PASSPHRASE: 'x' };
  const machine = { env, cwd: '/p', homeDirectory: '/h', userName: 'u', readText: () => undefined, exists: () => false };
  const file = change(text('dbadmin.yaml').replace(/^ {2}# A second copy.*\n/m, ''));
  const config = parseConfig('/p/dbadmin.yaml', file.replace('repositories: [local]', `repositories: [${places.join(', ')}]`), machine, {});
  expect(config.warnings).toEqual([]);
  expect([...config.repositories.keys()]).toEqual(places);
  const known = { clusters: new Set(config.clusters.keys()), repositories: new Set(config.repositories.keys()) };
  const wanted = text('backups/policies.yaml').replace('repositories: [local]', `repositories: [${places.join(', ')}]`);
  const { policies, jobs } = parsePolicies(wanted, { file: 'policies.yaml', env: {}, localZone: 'UTC', known });
  const policy = policies.get('listening');
  expect(policy).toMatchObject({ cluster: 'main', repositories: places, wal: { mode: 'stream', rpoMs: 5000 } });
  const kinds = ['full', 'incremental', 'dump', 'verify', 'drill'].map((kind) => `listening.${kind}`);
  expect(jobs.map(({ name }) => name)).toEqual([...kinds, 'marts', 'recommender']);
});
