import { afterAll, beforeAll, expect, test } from 'vitest';
import { QUESTIONS } from '../../src/commands/console/questions/catalogue.ts';
import type { Values } from '../../src/console/question.ts';
import { AS_READER, ConsoleProject, type Entered } from '../console/project.ts';

let project: ConsoleProject;
let vera: Entered;

beforeAll(async () => {
  project = await ConsoleProject.start({
    files: {
      'sql/migrations/20260101T000000_first.sql': 'CREATE TABLE first ();\n',
      'roles/roles.yaml': 'version: 1\nmode: add\nscope: { roles: [asking] }\ngroups: { asking: {} }\n',
    },
    commands: [['schedule', 'run', 'app.full']],
  });
  vera = await project.enter('vera');
});
afterAll(async () => await project.stop());

/** Values to ask with; a question that is not here is asked without any. */
const SAMPLES: Readonly<Record<string, readonly Values[]>> = {
  'listening/report': [{ part: 'cards', month: '2025-10' }],
  'listening/find': [{ text: 'rain', kind: 'artist' }],
  'listening/recommend': [{ like: '1', popular: '0.5' }],
  'listening/sounds-like': [{ track: '1' }],
  'listening/refused': [{ rule: 'B1' }],
  'backups/info': [{ cluster: 'main' }, { cluster: 'main', repository: 'local' }],
  'backups/commits': [{ cluster: 'main', from: '2026-01-01T00:00:00.000Z', until: '2026-01-01T00:01:00.000Z' }],
  'backups/points': [{ cluster: 'main', from: '1970-01-01T00:00:00.000Z' }],
  'backups/preflight': [{ cluster: 'main', to: '2026-01-01T00:00:00.000Z' }],
  'drills/report': [{ label: '20260101T000000Z-drill' }],
  'migrations/ways-back': [{ cluster: 'main', to: '0' }],
  'roles/matrix': [{}, { database: 'postgres', plan: 'yes' }],
  'roles/who-can': [
    { privilege: 'usage', object: 'public', role: 'looks' },
    { privilege: 'connect', object: 'postgres', plan: 'yes' },
  ],
  'roles/role-access': [{ role: 'looks' }],
  'schedule/next': [{ count: '3' }],
  'schedule/history': [{ since: '2d', log: 'yes' }, { on: '2026-01-01', brief: 'yes' }, { job: 'app.full' }],
  'schedule/log': [{ job: 'app.full' }],
  'schedule/export-kubernetes': [{ image: 'registry.example.org/dbadmin:1' }],
};

/** What may differ between two moments, by the name of its key alone. */
const MOVING: ReadonlySet<string> = new Set([
  'now',
  'at',
  'from',
  'to',
  'tookMs',
  'freeBytes',
  'hint',
  'writtenLsn',
  'lagBytes',
  'lagMs',
  'lossMs',
]);

function still(value: unknown): unknown {
  // What is exported names the configuration and when that was done.
  return JSON.parse(
    JSON.stringify(value)
      .replaceAll(AS_READER, 'dbadmin.yaml')
      .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, '…'),
    (key, entry: unknown) => (MOVING.has(key) && entry !== null ? '…' : entry),
  ) as unknown;
}

const ASKED = QUESTIONS.flatMap((question) => (SAMPLES[question.name] ?? [{}]).map((values) => [question, values] as const));

test.each(ASKED.map(([question, values]) => [question.name, values, question] as const))(
  '%s with %o gives what its command prints with --json',
  async (name, values, question) => {
    const words = question.words(values);
    // As the role that the console reads as: what that may not see is not shown.
    const printed = await project.run(...words, '--json', '--config', AS_READER);
    const document = JSON.parse(printed.stdout) as { readonly error?: object };
    const answer = await vera.get(`/api/ask/${name}?${new URLSearchParams(values as Record<string, string>).toString()}`);
    if (document.error !== undefined) {
      const { exitStatus: _ofTheProcess, ...error } = document.error as { readonly exitStatus: number };
      expect(still(answer.document)).toMatchObject({ error: still(error), command: expect.stringMatching(/^dbadmin .* --json$/) });
      return;
    }
    expect(answer).toMatchObject({ status: 200, document: { exitStatus: printed.status, command: `dbadmin ${words.join(' ')} --json` } });
    expect(still((answer.document as { document: unknown }).document)).toEqual(still(document));
  },
);

test('nothing but the questions can be asked, and no value becomes an option', async () => {
  for (const [at, because] of [
    ['/api/ask/backup/run', 'there is no question'],
    ['/api/ask/', 'there is no question'],
    ['/api/ask/backups/info?cluster=--url=postgresql://elsewhere', 'begins like an option'],
    ['/api/ask/backups/info?nothing=x', 'does not take'],
    ['/api/ask/backups/info?cluster=main&cluster=other', 'does not take'],
    ['/api/ask/backups/info?cluster=', 'does not take'],
    ['/api/ask/backups/info?cluster=a%0ab', 'control characters'],
  ] as const) {
    const { status, document } = await vera.get(at);
    expect({ at, status, document }).toMatchObject({ status: 400, document: { error: { message: expect.stringContaining(because) } } });
  }
  expect(await project.send('GET', '/api/ask/backups/info')).toMatchObject({ status: 401 });
});

test('a failure comes in the words of the command, with the command', async () => {
  const { status, document } = await vera.get('/api/ask/backups/info?cluster=nowhere');
  expect(status).toBe(400);
  expect(document).toMatchObject({
    error: { code: 'usage', message: expect.stringContaining('nowhere') },
    command: 'dbadmin backup info --cluster nowhere --json',
  });
});
