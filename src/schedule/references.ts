import { suggestion } from '../base/spelling.ts';
import type { YamlPath, YamlSource } from '../base/yaml-source.ts';
import { parseMoment } from './recurrence.ts';

/** Names that the file may refer to; undefined where they are not known and not checked. */
export interface KnownNames {
  readonly clusters: ReadonlySet<string>;
  readonly repositories: ReadonlySet<string>;
}

type RawMap = Readonly<Record<string, unknown>>;

/** What stands in the file as a job, right in form or not: its full name, where, and its keys. */
interface RawJob {
  readonly name: string;
  readonly at: YamlPath;
  readonly keys: RawMap;
}

const POLICY_JOBS = ['dump', 'verify', 'expire', 'drill'] as const;

/**
 * Records what the form alone does not show: names that lead nowhere, jobs that wait for each other, two triggers or none.
 * Works on values that nothing has checked, so that these problems are told together with those of form.
 */
export function checkReferences(source: YamlSource, localZone: string, known?: KnownNames): void {
  const root = mapOf(source.value);
  const jobs = collectJobs(root);
  const names = new Set(jobs.map(({ name }) => name));
  for (const job of jobs) {
    checkTrigger(source, job, names);
    checkPeriod(source, job, typeof root['timezone'] === 'string' ? root['timezone'] : localZone);
  }
  for (const [name, keys] of entriesOf(root['jobs'])) {
    const given = ['command', 'call', 'sql'].filter((key) => keys[key] !== undefined);
    if (given.length !== 1)
      source.add(['jobs', name], `give one of command, call and sql${given.length === 0 ? '' : `, not ${given.join(' and ')}`}`, true);
    if (keys['command'] !== undefined && keys['database'] !== undefined)
      source.add(['jobs', name, 'database'], 'a command finds its database itself', true);
    if (known !== undefined) checkName(source, ['jobs', name, 'cluster'], keys['cluster'], known.clusters, 'cluster');
  }
  checkNotify(source, [], root['notify']);
  checkMail(source, mapOf(root['mail']));
  for (const [name, keys] of entriesOf(root['policies'])) checkPolicy(source, ['policies', name], keys, known);
  for (const cycle of findCycles(jobs)) {
    const first = jobs.find(({ name }) => name === cycle[0]);
    source.add([...(first?.at ?? []), 'after'], `jobs wait for each other: ${[...cycle, cycle[0]].join(' → ')}`);
  }
}

/** Who is told, and by what. */
function checkNotify(source: YamlSource, at: YamlPath, notify: unknown): void {
  for (const [index, entry] of listOf(notify).entries()) {
    const keys = mapOf(entry);
    const place = [...at, 'notify', index];
    const ways = ['webhook', 'email'].filter((key) => keys[key] !== undefined);
    if (ways.length !== 1) source.add(place, 'give either webhook or email');
    if (keys['secret'] !== undefined && keys['webhook'] === undefined)
      source.add([...place, 'secret'], 'only what goes to a webhook is signed', true);
  }
}

/** A password never goes in the clear, but to this very machine. */
function checkMail(source: YamlSource, mail: RawMap): void {
  const [user, password] = [mail['user'], mail['password']];
  if ((user === undefined) !== (password === undefined)) source.add(['mail'], 'give user and password, or neither', true);
  const isHere = /^(localhost|127\.[\d.]+|::1)$/.test(typeof mail['host'] === 'string' ? mail['host'] : '');
  if (mail['security'] === 'none' && password !== undefined && !isHere) {
    source.add(['mail', 'security'], 'a password does not go over the network in the clear: security: starttls or tls');
  }
}

function checkPolicy(source: YamlSource, at: YamlPath, keys: RawMap, known: KnownNames | undefined): void {
  checkNotify(source, at, keys['notify']);
  const base = keys['base'];
  for (const [index, each] of listOf(mapOf(keys['wal'])['required']).entries()) {
    if (listOf(keys['repositories']).includes(each)) continue;
    source.add([...at, 'wal', 'required', index], `not one of the policy's repositories: ${String(each)}`);
  }
  if (base === 'none' && keys['wal'] !== undefined && mapOf(keys['wal'])['mode'] !== 'none') {
    source.add([...at, 'wal'], 'WAL without a base backup restores nothing: give base, or wal: { mode: none }', true);
  }
  const full = mapOf(base)['full'];
  if (mapOf(base)['incremental'] !== undefined && full === undefined) source.add([...at, 'base'], 'incremental needs full beside it', true);
  if (keys['expire'] !== undefined && keys['retention'] === undefined) {
    source.add([...at, 'expire'], 'expire needs retention beside it, which says what stays', true);
  }
  const dump = mapOf(keys['dump']);
  if (dump['jobs'] !== undefined && dump['format'] !== 'directory') {
    source.add([...at, 'dump', 'jobs'], 'only format: directory is dumped by several jobs', true);
  }
  if (dump['exclude'] !== undefined && Array.isArray(dump['databases'])) {
    source.add([...at, 'dump', 'exclude'], 'exclude takes databases out of all: a list says itself which are dumped', true);
  }
  if (known === undefined) return;
  checkName(source, [...at, 'cluster'], keys['cluster'], known.clusters, 'cluster');
  for (const [index, name] of listOf(keys['repositories']).entries()) {
    checkName(source, [...at, 'repositories', index], name, known.repositories, 'repository');
  }
}

function checkName(source: YamlSource, at: YamlPath, name: unknown, known: ReadonlySet<string>, kind: string): void {
  if (typeof name !== 'string' || known.has(name)) return;
  source.add(at, `${kind} "${name}" is not defined in dbadmin.yaml${suggestion(name, known)}`);
}

function collectJobs(root: RawMap): readonly RawJob[] {
  const ofPolicies = entriesOf(root['policies']).flatMap(([policy, keys]) => [
    ...entriesOf(keys['base']).map(([kind, job]) => ({ name: `${policy}.${kind}`, at: ['policies', policy, 'base', kind], keys: job })),
    ...POLICY_JOBS.filter((kind) => isMap(keys[kind])).map((kind) => ({
      name: `${policy}.${kind}`,
      at: ['policies', policy, kind],
      keys: mapOf(keys[kind]),
    })),
  ]);
  return [...ofPolicies, ...entriesOf(root['jobs']).map(([name, keys]) => ({ name, at: ['jobs', name], keys }))];
}

function checkTrigger(source: YamlSource, { at, keys, name }: RawJob, names: ReadonlySet<string>): void {
  const { cron, after } = keys;
  if ((cron === undefined) === (after === undefined))
    source.add(at, `give either cron or after${cron === undefined ? '' : ', not both'}`, true);
  if (after !== undefined && keys['timezone'] !== undefined)
    source.add([...at, 'timezone'], 'a time zone goes with cron, not with after', true);
  if (after !== undefined && keys['catch_up'] !== undefined)
    source.add([...at, 'catch_up'], 'catch_up goes with cron, not with after', true);
  for (const [index, other] of listOf(after).entries()) {
    if (typeof other !== 'string' || names.has(other)) continue;
    const others = [...names].filter((candidate) => candidate !== name);
    source.add([...at, 'after', index], `there is no job "${other}"${suggestion(other, others)}`);
  }
}

function checkPeriod(source: YamlSource, { at, keys }: RawJob, zone: string): void {
  const moment = (key: 'from' | 'until'): Date | undefined => {
    const text = keys[key];
    if (typeof text !== 'string') return undefined;
    const parsed = parseMoment(text, zone);
    if (parsed === undefined) source.add([...at, key], 'not a date or time: write 2026-12-21 or 2026-12-21T14:00:00+05:30');
    return parsed;
  };
  const [from, until] = [moment('from'), moment('until')];
  if (from !== undefined && until !== undefined && until <= from) source.add([...at, 'until'], 'until comes before from');
  if (keys['until'] !== undefined && keys['for'] !== undefined) source.add([...at, 'for'], 'give either until or for', true);
}

/** Every ring of `after`, once, beginning with the job that comes first in the file. */
function findCycles(jobs: readonly RawJob[]): readonly (readonly string[])[] {
  const after = new Map(jobs.map(({ name, keys }) => [name, listOf(keys['after']).filter((other) => typeof other === 'string')]));
  const settled = new Set<string>();
  const cycles: (readonly string[])[] = [];
  const visit = (name: string, trail: readonly string[]): void => {
    const seenAt = trail.indexOf(name);
    if (seenAt >= 0) {
      cycles.push(trail.slice(seenAt));
      return;
    }
    if (settled.has(name)) return;
    for (const other of after.get(name) ?? []) visit(other, [...trail, name]);
    settled.add(name);
  };
  for (const { name } of jobs) visit(name, []);
  return cycles;
}

function isMap(value: unknown): value is RawMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function mapOf(value: unknown): RawMap {
  return isMap(value) ? value : {};
}

function entriesOf(value: unknown): readonly (readonly [string, RawMap])[] {
  return Object.entries(mapOf(value)).map(([key, entry]) => [key, mapOf(entry)] as const);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
