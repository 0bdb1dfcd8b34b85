import { readFileSync } from 'node:fs';
import { XmlDocument, XmlValidateError, XsdValidator } from 'libxml2-wasm';
import { afterAll, expect, test } from 'vitest';
import { scheduledTasks } from '../../../src/schedule/export/task-scheduler.ts';
import { parsePolicies } from '../../../src/schedule/parse.ts';
import { receptions } from '../../../src/schedule/policies.ts';

const schema = XmlDocument.fromBuffer(readFileSync(new URL('../../schedule/task-scheduler.xsd', import.meta.url)));
const validator = XsdValidator.fromDoc(schema);
afterAll(() => {
  validator.dispose();
  schema.dispose();
});

function tasks(jobs: string, user?: string): ReadonlyMap<string, string> {
  const text = `version: 1\npolicies:\n  p: { cluster: main, repositories: [local], wal: { mode: stream } }\njobs:\n${jobs}`;
  const policies = parsePolicies(text, { file: 'policies.yaml', env: {}, localZone: 'UTC' });
  const { files, omitted } = scheduledTasks(policies, {
    now: new Date('2026-11-21T12:00:00Z'),
    localZone: 'UTC',
    refusalOf: () => undefined,
    commandOf: ({ name }) => [String.raw`C:\Program Files\nodejs\dbadmin.cmd`, 'schedule', 'run', name, '--config', 'C:\\my app\\"x"\\'],
    receiveCommandOf: () => ['dbadmin.cmd', 'wal', 'receive'],
    receptions: receptions(policies.policies.values()),
    directory: String.raw`C:\my app`,
    user,
  });
  expect(omitted).toEqual([]);
  return files;
}

/** What the schema has against a definition. */
function faults(definition: string): readonly string[] {
  // As the file has it, and as it declares: the writer puts the bytes.
  const document = XmlDocument.fromBuffer(Buffer.from(`\ufeff${definition}`, 'utf16le'));
  try {
    validator.validate(document);
    return [];
  } catch (error) {
    if (error instanceof XmlValidateError) return error.details.map(({ message }) => message.trim());
    throw error;
  } finally {
    document.dispose();
  }
}

const JOBS = `  even: { sql: "select 1 < 2 and 'a&b'", cron: "*/20 * * * *" }
  either: { sql: x, cron: "0 2 13 * 5", catch_up: true, until: 2027-01-01 }
  listed: { sql: x, cron: "5,35 1-2 * jan mon" }
  hourly: { sql: x, cron: "7 * * * *", from: 2027-01-01T05:00:00Z }
  minutes: { sql: x, cron: "* * * * *" }
  monthly: { sql: x, cron: "0 0 31 2-6 *" }
  daily: { sql: x, cron: "@daily", for: 30d }
  many: { sql: x, cron: "1,3,7 6-21 * * *" }
`;

test.each([undefined, String.raw`ACME\db`])('every definition for %s is valid by the schema of Task Scheduler', (user) => {
  const files = tasks(JOBS, user);
  expect([...files.keys()]).toHaveLength(9);
  for (const [name, text] of files) {
    expect(faults(text), name).toEqual([]);
    expect(text).toMatch(/^<\?xml version="1.0" encoding="UTF-16"\?>\r\n/);
  }
});

test.each([
  [
    'an order that is not the one of the schema',
    (text: string) => text.replace(/(<Enabled>true<\/Enabled>)([\s\S]*?)(<Schedule)/, '$2$1$3'),
  ],
  ['a moment that is none', (text: string) => text.replace(/T00:00:00</, 'T25:00:00<')],
  [
    'a day that no month has',
    (text: string) =>
      text.replace(/<ScheduleByDay>.*<\/ScheduleByDay>/, '<ScheduleByMonth><DaysOfMonth><Day>32</Day></DaysOfMonth></ScheduleByMonth>'),
  ],
  ['a program with too long a path', (text: string) => text.replace('<Command>', `<Command>${'x'.repeat(300)}`)],
  ['a principal that is not there', (text: string) => text.replace('Context="Author"', 'Context="Nobody"')],
])('%s is found', (_what, spoil) => {
  const whole = tasks(JOBS).get('dbadmin-daily.xml') ?? '';
  const spoilt = spoil(whole);
  expect(spoilt).not.toBe(whole);
  expect(faults(spoilt)).not.toEqual([]);
});
