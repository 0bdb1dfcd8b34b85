import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { DbadminError } from '../../../src/base/errors.ts';
import { configWithoutFile, parseConfig, type Selection } from '../../../src/config/parse.ts';
import { selectCluster } from '../../../src/config/load.ts';
import { machineWith, type MachineContents } from './machine.ts';

function parse(text: string, contents: MachineContents = {}, selection: Selection = {}) {
  return parseConfig('/project/dbadmin.yaml', text, machineWith(contents), selection);
}

function problemsOf(text: string, contents: MachineContents = {}, selection: Selection = {}): readonly string[] {
  try {
    parse(text, contents, selection);
  } catch (error) {
    if (!(error instanceof DbadminError)) throw error;
    expect(error.code).toBe('config-invalid');
    return (error.detail ?? '').split('\n');
  }
  throw new Error('the configuration was accepted');
}

const COMPLETE = `version: 1
default_cluster: main
clusters:
  main:
    url: postgresql://app@db.example.org/listening
    password: { from: env, name: APP_PASSWORD }
    repositories: [offsite, local]
    replication: { user: backup, password: "\${BACKUP_PASSWORD}" }
    slot: nightly
  bare:
repositories:
  local: { type: disk, path: ./repository, encryption: { passphrase: { from: env, name: PASSPHRASE } } }
  offsite:
    { type: s3, bucket: acme, prefix: /listening/, region: eu-west-1, endpoint: "https://s3.example.org", path_style: true,
      access_key_id: AKIA, secret_access_key: "\${S3_SECRET}", sse: { kms: key-1 }, object_lock: 30d, ca_file: ca.pem }
paths: { migrations: db/migrations }
migrate: { lock_timeout: 500ms }
`;
const COMPLETE_ENV = { BACKUP_PASSWORD: 'b4ckup', S3_SECRET: 's3cret', APP_PASSWORD: 'appword' };

test('dbadmin.yaml: a complete file gives a complete configuration', () => {
  const config = parse(COMPLETE, { env: COMPLETE_ENV });
  expect(config).toMatchObject({
    directory: '/project',
    defaultCluster: 'main',
    migrate: { schema: 'dbadmin', lockTimeoutMs: 500 },
    warnings: [],
  });
  expect(config.paths).toMatchObject({ migrations: '/project/db/migrations', roles: '/project/roles/roles.yaml' });
  const main = selectCluster(config);
  expect(main).toMatchObject({ name: 'main', repositories: ['offsite', 'local'], slot: 'nightly' });
  expect(main.connection).toMatchObject({ user: 'app', database: 'listening', hosts: [{ host: 'db.example.org', port: 5432 }] });
  expect(main.connection.password?.reveal()).toBe('appword');
  expect(main.replication).toMatchObject({ user: 'backup', hosts: [{ host: 'db.example.org', port: 5432 }] });
  expect(main.replication.password?.reveal()).toBe('b4ckup');
  expect(config.repositories.get('local')).toMatchObject({ type: 'disk', path: '/project/repository', encryption: { kind: 'passphrase' } });
  expect(config.repositories.get('offsite')).toMatchObject({
    type: 's3',
    prefix: 'listening',
    pathStyle: true,
    serverSideEncryption: { kind: 'kms', keyId: 'key-1' },
    objectLockDays: 30,
    lockMode: 'governance',
    tags: {},
    requesterPays: false,
    caFile: '/project/ca.pem',
    encryption: { kind: 'none' },
  });
});

test('dbadmin.yaml: a repository on S3 may lock for ever, tag, let the asker pay, and bring its own key', () => {
  const config = parse(
    `version: 1
clusters: { main: { host: h } }
repositories:
  worm: { type: s3, bucket: b, profile: backup, tags: { team: dba }, requester_pays: true,
    sse: { customer_key: { from: env, name: SSE_KEY } }, object_lock: { keep: 2w, mode: compliance } }
`,
    { env: { SSE_KEY: 'c2VjcmV0' } },
  );
  const worm = config.repositories.get('worm');
  expect(worm).toMatchObject({
    region: undefined,
    profile: 'backup',
    tags: { team: 'dba' },
    requesterPays: true,
    serverSideEncryption: { kind: 'customer' },
    objectLockDays: 14,
    lockMode: 'compliance',
  });
  if (worm?.type !== 's3' || worm.serverSideEncryption.kind !== 'customer') throw new Error('not the repository that was asked for');
  expect(worm.serverSideEncryption.key.reveal()).toBe('c2VjcmV0');
});

test('dbadmin.yaml: an S3 repository that contradicts itself is refused', () => {
  const text = `version: 1
clusters: { main: { host: h } }
repositories:
  a: { type: s3, bucket: b, profile: p, access_key_id: A, secret_access_key: "\${S}", region: r }
  b: { type: s3, bucket: b, endpoint: "http://s3.example.org", sse: { customer_key: "\${S}" } }
  c: { type: s3, bucket: b, sse: { customer_key: "\${S}", kms: k } }
  d: { type: s3, bucket: b, object_lock: { keep: 36h } }
  e: { type: s3, bucket: b, object_lock: { keep: 3d, mode: strict } }
  f: { type: s3, bucket: b, tags: { a: 1 } }
  g: { type: s3, bucket: b, tags: { a: "b&c" } }
`;
  expect(problemsOf(text, { env: { S: 's' } })).toMatchInlineSnapshot(`
    [
      "dbadmin.yaml:4:38: either a profile or access_key_id with secret_access_key",
      "dbadmin.yaml:5:85: a customer_key goes to the server with each request, so the endpoint must be https://",
      "dbadmin.yaml:6:34: give either kms or customer_key",
      "dbadmin.yaml:7:42: object_lock counts in whole days, such as 30d",
      "dbadmin.yaml:8:60: expected one of governance, compliance",
      "dbadmin.yaml:9:40: expected text, found a number",
      "dbadmin.yaml:10:40: a tag is a name of up to 128 and a value of up to 256 letters, digits, spaces and + - = . _ : / @",
    ]
  `);
});

test('dbadmin.yaml: printing the configuration in any way shows no secret', () => {
  const config = parse(COMPLETE, { env: COMPLETE_ENV });
  const printed = inspect(config, { depth: 12 }) + JSON.stringify([...config.clusters, ...config.repositories]) + String(config.warnings);
  for (const secret of Object.values(COMPLETE_ENV)) expect(printed).not.toContain(secret);
});

test('dbadmin.yaml: all problems are told at once, in order, with line and column', () => {
  const text = `version: 2
clustrs: {}
clusters:
  main:
    url: postgresql://u@h/d?sslmode=requir
    repositories: [locla]
  second:
    prot: 5433
    port: high
    port: 5434
    password: "\${NOT_SET}"
repositories:
  local: { type: disc, path: ./r }
  other: { type: disk, path: 7, encryption: { passphrase: { from: nowhere } } }
  far: { type: s3, bucket: b, object_lock: 36h, access_key_id: A }
  bad name: { type: disk, path: x }
migrate: { lock_timeout: soon }
`;
  expect(problemsOf(text)).toEqual([
    'dbadmin.yaml:1:10: version must be 1, the only one this dbadmin knows',
    'dbadmin.yaml:2:1: unknown key "clustrs", did you mean "clusters"?',
    'dbadmin.yaml:4:3: sslmode "requir" is none of disable, allow, prefer, require, verify-ca, verify-full',
    'dbadmin.yaml:6:20: repository "locla" is not defined, did you mean "local"?',
    'dbadmin.yaml:8:5: unknown key "prot", did you mean "port"?',
    'dbadmin.yaml:10:5: duplicate key "port"',
    'dbadmin.yaml:11:15: environment variable NOT_SET is not set',
    'dbadmin.yaml:13:18: expected one of disk, s3',
    'dbadmin.yaml:14:30: expected text, found a number',
    'dbadmin.yaml:14:67: expected one of env, file, command',
    'dbadmin.yaml:15:8: access_key_id and secret_access_key come together or not at all',
    'dbadmin.yaml:15:44: object_lock counts in whole days, such as 30d',
    'dbadmin.yaml:16:3: not a name: letters, digits, _ and -, a letter first',
    'dbadmin.yaml:17:26: not a duration: write numbers with ms, s, m, h, d or w, such as 5s, 14d or 1h30m',
  ]);
});

test.each([
  ['', 'dbadmin.yaml:1:1: expected a map, found nothing'],
  ['- a\n', 'dbadmin.yaml:1:1: expected a map, found a list'],
  ['version: 1\n', 'dbadmin.yaml:1:1: "clusters" is missing'],
  ['version: 1\nclusters: {}\n', 'dbadmin.yaml:2:1: name at least one cluster'],
  ['version: 1\nclusters: [main]\n', 'dbadmin.yaml:2:11: expected a map, found a list'],
  ['version: 1\nclusters: { main: { slot: "No!" } }\n', 'dbadmin.yaml:2:27: not a slot name: 1 to 63 of a-z, 0-9 and _'],
  ['version: 1\ndefault_cluster: mian\nclusters: { main: {} }\n', 'dbadmin.yaml:2:18: cluster "mian" is not defined, did you mean "main"?'],
])('dbadmin.yaml: %j is refused', (text, problem) => {
  expect(problemsOf(text)).toEqual([problem]);
});

test('dbadmin.yaml: broken YAML is located', () => {
  expect(problemsOf('version: 1\nclusters: { main: { host: a }\nx: 1\n')[0]).toMatch(/^dbadmin.yaml:\d+:\d+: not valid YAML: /);
});

test('dbadmin.yaml: a variable with a default needs no value, and $${ is literal', () => {
  const config = parse('version: 1\nclusters: { main: { host: "${HOST:-db}", port: "${PORT:-6000}", database: "$${x}" } }\n');
  expect(selectCluster(config).connection).toMatchObject({ hosts: [{ host: 'db', port: 6000 }], database: '${x}' });
});

test('dbadmin.yaml: a secret named by source is missed only when it is needed, with its place', () => {
  const config = parse('version: 1\nclusters:\n  main: { host: h, password: { from: env, name: ABSENT } }\n');
  expect(() => selectCluster(config).connection.password?.reveal()).toThrow('dbadmin.yaml:3:30: environment variable ABSENT is not set');
});

test('dbadmin.yaml: a secret in plain text works and is warned of, without showing it', () => {
  const { warnings } = parse(
    'version: 1\nclusters:\n  main: { host: h, password: hunter2 }\n  other: { url: "postgresql://u:hunter2@h/d" }\n',
  );
  expect(warnings).toEqual([
    expect.stringContaining('dbadmin.yaml:3:30: password is written in the file'),
    expect.stringContaining('dbadmin.yaml:4:17: the URL holds a password'),
  ]);
  expect(warnings.join('')).not.toContain('hunter2');
});

test('dbadmin.yaml: repositories may stand in the policies file, but not under one name in both', () => {
  const files = {
    '/project/backups/policies.yaml': 'version: 1\nrepositories:\n  b: { type: disk, path: b }\npolicies: { "${UNSET}": no }\n',
  };
  const config = parse('version: 1\nclusters: { main: { repositories: [b] } }\nrepositories: { a: { type: disk, path: a } }\n', { files });
  expect(config.repositories.get('b')).toMatchObject({ path: '/project/b' });
  expect(problemsOf('version: 1\nclusters: { main: {} }\nrepositories: { b: { type: disk, path: a } }\n', { files })).toEqual([
    'backups/policies.yaml:3:3: repository "b" is defined in dbadmin.yaml already',
  ]);
});

test('--url takes the place of the selected connection, whose variables need not be set, and keeps its repositories', () => {
  const text = 'version: 1\nclusters: { main: { url: "${UNSET}", repositories: [a] } }\nrepositories: { a: { type: disk, path: a } }\n';
  const cluster = selectCluster(parse(text, {}, { url: 'postgresql://me@h/d' }));
  expect(cluster).toMatchObject({ name: 'main', connection: { user: 'me', database: 'd' }, repositories: ['a'] });
});

test('a cluster that says nothing of its connection takes DATABASE_URL', () => {
  const env = { DATABASE_URL: 'postgresql://me@h/d' };
  expect(selectCluster(parse('version: 1\nclusters: { main: }\n', { env })).connection.database).toBe('d');
  expect(selectCluster(parse('version: 1\nclusters: { main: { host: own } }\n', { env })).connection.hosts[0]?.host).toBe('own');
});

test('another replication user does not get the password of the ordinary one', () => {
  const text = 'version: 1\nclusters: { main: { host: h, user: a, password: "${A:-x}", replication: { user: b } } }\n';
  expect(selectCluster(parse(text, { env: { PGPASSWORD: 'x' } })).replication.password).toBeUndefined();
});

test('--cluster selects, and one that is not there is wrong usage', () => {
  const text = 'version: 1\nclusters: { one: { host: a }, two: { host: b } }\n';
  expect(parse(text).defaultCluster).toBe('one');
  expect(parse(text, {}, { cluster: 'two' }).defaultCluster).toBe('two');
  expect(() => parse(text, {}, { cluster: 'tow' })).toThrow(
    expect.objectContaining({ code: 'usage', message: expect.stringContaining('did you mean "two"') }),
  );
});

test('without a file --url, DATABASE_URL and PG* suffice, and nothing at all is refused', () => {
  const url = (env: Record<string, string>, selection: Selection = {}) => selectCluster(configWithoutFile(machineWith({ env }), selection));
  expect(url({ DATABASE_URL: 'postgresql://h/b' }, { url: 'postgresql://h/a' })).toMatchObject({
    name: 'main',
    connection: { database: 'a' },
  });
  expect(url({ DATABASE_URL: 'postgresql://h/b', PGDATABASE: 'c' }).connection.database).toBe('b');
  expect(url({ PGDATABASE: 'c' })).toMatchObject({ repositories: [], connection: { database: 'c' } });
  expect(() => url({})).toThrow(expect.objectContaining({ code: 'config-missing' }));
});

test('a connection to look with takes the rest from the ordinary one, and of another user never the password', () => {
  const text = 'version: 1\nclusters: { main: { host: h, user: a, password: "${A:-x}", reading: { user: looks } } }\n';
  // The application's password is not tried on that role.
  const { connection, reading } = selectCluster(parse(text, { env: { PGPASSWORD: 'x' } }));
  expect(reading).toMatchObject({ user: 'looks', hosts: connection.hosts, database: connection.database, password: undefined });
  expect(selectCluster(parse(text.replace(', reading: { user: looks }', ''))).reading).toBeUndefined();
});
