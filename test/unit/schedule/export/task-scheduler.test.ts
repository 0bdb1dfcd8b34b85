import { expect, test } from 'vitest';
import { scheduledTasks } from '../../../../src/schedule/export/task-scheduler.ts';
import { parsePolicies } from '../../../../src/schedule/parse.ts';
import { receptions } from '../../../../src/schedule/policies.ts';

const NOW = new Date('2026-11-21T12:00:00Z');

function tasks(jobs: string, localZone = 'UTC') {
  const policies = parsePolicies(
    `version: 1\npolicies:\n  p: { cluster: main, repositories: [local], wal: { mode: stream } }\njobs:\n${jobs}`,
    { file: 'policies.yaml', env: {}, localZone },
  );
  return scheduledTasks(policies, {
    now: NOW,
    localZone,
    refusalOf: () => undefined,
    commandOf: ({ name }) => ['C:\\Program Files\\nodejs\\dbadmin.cmd', 'schedule', 'run', name, '--config', 'C:\\my app\\"x"\\'],
    receiveCommandOf: () => ['dbadmin.cmd', 'wal', 'receive'],
    receptions: receptions(policies.policies.values()),
    directory: 'C:\\my app',
    user: undefined,
  });
}

interface Element {
  readonly name: string;
  readonly children: Element[];
  text: string;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"' };

/** The one element of a document without namespaces of its own; throws where it is not well-formed. */
function parseXml(document: string): Element {
  const top: Element = { name: '', children: [], text: '' };
  const open = [top];
  for (const [whole, comment, slash, name = '', attributes = '', empty] of document
    .replace(/^<\?xml [^?]*\?>/, '')
    .matchAll(/<!--((?:(?!--)[\s\S])*)-->|<(\/?)([A-Za-z]\w*)((?:\s+\w+="[^"<&]*")*)\s*(\/?)>|[^<]+|</g)) {
    const current = open.at(-1) ?? top;
    if (comment !== undefined) continue;
    if (name === '') {
      if (whole === '<' || /&(?!(?:amp|lt|gt|quot);)/.test(whole)) throw new Error(`not well-formed at ${whole}`);
      current.text += whole.replaceAll(/&(\w+);/g, (_all, entity: string) => ENTITIES[entity] ?? '');
    } else if (slash === '/') {
      if (current.name !== name || attributes !== '') throw new Error(`</${name}> closes <${current.name}>`);
      open.pop();
    } else {
      const element = { name, children: [], text: '' };
      current.children.push(element);
      if (empty !== '/') open.push(element);
    }
  }
  const [root] = top.children;
  if (open.length !== 1 || top.children.length !== 1 || root === undefined || top.text.trim() !== '')
    throw new Error('not one whole element');
  return root;
}

function textOf(element: Element, ...path: readonly string[]): string {
  const [name, ...rest] = path;
  if (name === undefined) return element.text;
  const child = element.children.find((each) => each.name === name);
  if (child === undefined) throw new Error(`<${element.name}> has no <${name}>`);
  return textOf(child, ...rest);
}

test('task scheduler: triggers, catch-up and no overlap are as the job has them', () => {
  const { files } = tasks('  a: { sql: x, cron: "*/20 * * * *" }\n  b: { sql: x, cron: "30 2 * * 1-5", catch_up: true }\n');
  const a = files.get('dbadmin-a.xml') ?? '';
  const b = files.get('dbadmin-b.xml') ?? '';
  expect(a).toContain('<Repetition><Interval>PT20M</Interval><Duration>PT1440M</Duration>');
  expect(a).toContain('<StartWhenAvailable>false</StartWhenAvailable>');
  expect(b).toContain('<StartBoundary>2026-11-21T02:30:00</StartBoundary>');
  expect(b).toContain('<DaysOfWeek><Monday /><Tuesday /><Wednesday /><Thursday /><Friday /></DaysOfWeek>');
  expect(b).toContain('<StartWhenAvailable>true</StartWhenAvailable>');
  expect(b).toContain('<MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>');
});

test('task scheduler: words with spaces, quotes and backslashes reach the program as they are', () => {
  const { files } = tasks('  a: { sql: x, cron: "0 1 * * *" }\n');
  const root = parseXml(files.get('dbadmin-a.xml') ?? '');
  expect(textOf(root, 'Actions', 'Exec', 'Arguments')).toBe(String.raw`schedule run a --config "C:\my app\\\"x\"\\"`);
  expect(textOf(root, 'Actions', 'Exec', 'Command')).toBe(String.raw`C:\Program Files\nodejs\dbadmin.cmd`);
});

test('task scheduler: another zone, an hour in which clocks change, jobs after others and too many triggers are refused by name', () => {
  const { omitted } = tasks(
    '  zone: { sql: x, cron: "0 9 * * *", timezone: America/New_York }\n  dst: { sql: x, cron: "30 2 * * *" }\n  fine: { sql: x, cron: "30 4 * * *" }\n  after: { sql: x, after: [fine] }\n  many: { sql: x, cron: "1,3,7 6-23 * * *" }\n',
    'Europe/Berlin',
  );
  expect(omitted.map(({ job, reason }) => [job, reason])).toEqual([
    ['zone', expect.stringContaining('--time-zone')],
    ['dst', expect.stringContaining('2027-03-28')],
    ['many', expect.stringContaining('54 triggers')],
    ['after', expect.stringContaining('a worker does')],
  ]);
});
