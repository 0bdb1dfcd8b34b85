import { formatDuration } from '../base/durations.ts';
import { howToAcknowledge, whoIsWrong } from '../repository/differing-pages.ts';
import { unjudgedCount } from '../repository/unjudged-pages.ts';
import { STEADY, type Condition } from './condition.ts';
import { estimateRecovery } from './estimate.ts';
import type { ClusterFacts, LineageFacts, RepositoryFacts } from './facts.ts';

type Judgement = Pick<Condition, 'state' | 'what' | 'next'>;

/** Whether what a repository holds is recent, sound, proven and quick enough. */
export function judgeBackups(repository: RepositoryFacts, cluster: ClusterFacts, now: Date): readonly Condition[] {
  const common = { ...STEADY, cluster: cluster.name, policy: undefined, subject: repository.name };
  const { state, name } = repository;
  if (state.kind === 'unknown') {
    const next = `dbadmin backup list --cluster ${cluster.name} --repository ${name} says why`;
    const blind = { state: 'unknown', what: `repository ${name} cannot be read`, next } as const;
    return [
      { ...common, kind: 'backup-late', severity: 'late', ...blind },
      { ...common, kind: 'backup-damaged', severity: 'failed', ...blind },
      { ...common, kind: 'backup-suspect', severity: 'failed', ...blind },
      { ...common, kind: 'verification-failed', severity: 'failed', ...blind },
      { ...common, kind: 'drill-failed', severity: 'failed', ...blind },
      { ...common, kind: 'drill-late', severity: 'late', ...blind },
      { ...common, kind: 'restore-slow', severity: 'late', ...blind },
    ];
  }
  const { lineage, createdAt } = state.value;
  return [
    { ...common, kind: 'backup-late', severity: 'late', ...judgeAge(name, lineage, createdAt, cluster, now) },
    { ...common, kind: 'backup-damaged', severity: 'failed', ...judgeDamage(name, lineage, cluster.name) },
    { ...common, kind: 'backup-suspect', severity: 'failed', ...judgeMismatches(name, lineage, cluster.name) },
    { ...common, kind: 'verification-failed', severity: 'failed', ...judgeVerified(name, lineage, cluster, now) },
    { ...common, kind: 'drill-failed', severity: 'failed', ...judgeDrill(name, lineage, cluster.name, now) },
    { ...common, kind: 'drill-late', severity: 'late', ...judgeDrillAge(name, lineage, createdAt, cluster, now) },
    { ...common, kind: 'restore-slow', severity: 'late', ...judgeRecovery(name, lineage, cluster) },
  ];
}

function judgeAge(
  name: string,
  lineage: LineageFacts | undefined,
  createdAt: Date,
  { name: cluster, limits }: ClusterFacts,
  now: Date,
): Judgement {
  const what = limits.dumpsOnly ? 'dump' : 'backup';
  const next = `it says what stops it: dbadmin backup ${limits.dumpsOnly ? 'dump' : 'run'} --cluster ${cluster} --repository ${name}`;
  if (limits.dumpsOnly && lineage !== undefined && lineage.dumps.length > 0)
    return { ...judgeDumpAges(name, lineage, createdAt, now), next };
  const at = limits.dumpsOnly ? undefined : lineage?.newest?.finishedAt;
  if (limits.backupAgeMs === undefined) return { state: 'good', what: `no limit is set for the age of the last ${what} in ${name}`, next };
  // A first backup is late only when the repository itself is older than the newest one may be.
  const ageMs = since(at ?? createdAt, now);
  const limit = formatDuration(limits.backupAgeMs);
  if (at === undefined && lineage !== undefined && lineage.ahead.length > 0) {
    return {
      state: 'bad',
      what: `nothing tells how old the last ${what} in ${name} is: ${lineage.ahead.join(', ')} ${lineage.ahead.length === 1 ? 'is' : 'are'} of a moment that has not come`,
      next: `set the clocks right, then: dbadmin backup ${what === 'dump' ? 'dump' : 'run'} --cluster ${cluster} --repository ${name}`,
    };
  }
  if (at === undefined) {
    return {
      state: ageMs > limits.backupAgeMs ? 'bad' : 'good',
      what: `there is no ${limits.dumpsOnly ? 'whole dump' : what} in ${name}, and one every ${limit} is promised`,
      next,
    };
  }
  const text = `the last ${what} in ${name} is ${formatDuration(ageMs)} old`;
  return ageMs > limits.backupAgeMs
    ? { state: 'bad', what: `${text}, over the limit of ${limit}`, next }
    : { state: 'good', what: text, next };
}

/** Each database by its own limit: a dump of one says nothing of the others, and one of definitions or single tables counts for none. */
function judgeDumpAges(name: string, { dumps }: LineageFacts, createdAt: Date, now: Date): Pick<Condition, 'state' | 'what'> {
  const limited = dumps.flatMap(({ database, at, limitMs }) => (limitMs === undefined ? [] : [{ database, at, limitMs }]));
  if (limited.length === 0) return { state: 'good', what: `no limit is set for the age of the last dump in ${name}` };
  const late = limited.filter(({ at, limitMs }) => since(at ?? createdAt, now) > limitMs);
  const [first] = late;
  if (first === undefined) {
    const oldest = Math.max(...limited.flatMap(({ at }) => (at === undefined ? [] : [since(at, now)])));
    return { state: 'good', what: `the last dump in ${name} is ${formatDuration(Math.max(0, oldest))} old` };
  }
  const others = late.length === 1 ? '' : `; so are those of ${late.length - 1} more databases`;
  const limit = formatDuration(first.limitMs);
  const what =
    first.at === undefined
      ? `no dump in ${name} holds all of ${first.database}, and one every ${limit} is promised`
      : `the last dump in ${name} with all of ${first.database} is ${formatDuration(since(first.at, now))} old, over the limit of ${limit}`;
  return { state: 'bad', what: `${what}${others}` };
}

function judgeDamage(name: string, lineage: LineageFacts | undefined, cluster: string): Judgement {
  const next = `look for bad pages with amcheck or dbadmin backup drill, for the disk of the database may be failing; then take another: dbadmin backup run --cluster ${cluster} --repository ${name} --type full`;
  const unreadable = lineage?.unreadable ?? [];
  if (unreadable.length > 0) {
    const one = unreadable.length === 1;
    return {
      state: 'bad',
      what: `${one ? 'a manifest' : `${unreadable.length} manifests`} in ${name} cannot be read, and nothing is removed until ${one ? 'it is' : 'they are'} gone: ${unreadable.join(', ')}`,
      next: `delete ${one ? 'it' : 'them'}, then bring the backup back with dbadmin repository sync from a copy, or take another: dbadmin backup run --cluster ${cluster} --repository ${name}`,
    };
  }
  const damaged = lineage?.damaged;
  if (damaged === undefined) return { state: 'good', what: `the last backup in ${name} is whole`, next };
  return { state: 'bad', what: `the last backup in ${name}, ${damaged.label}, holds damaged pages: ${damaged.damage}`, next };
}

/** Either the cluster's storage fails or backups do not restore what was there: nothing that waits for the next restore. */
function judgeMismatches(name: string, lineage: LineageFacts | undefined, cluster: string): Judgement {
  const found = lineage?.mismatches ?? [];
  const first = found.find(({ emptied }) => emptied > 0) ?? found[0];
  const where = ` --cluster ${cluster} --repository ${name}`;
  if (first === undefined) {
    const next = `dbadmin backup acknowledge LABEL${where} --sound audited (or earlier, or both) --reason TEXT`;
    return { state: 'good', what: `no audit casts doubt on a backup in ${name}${describeUnjudged(lineage?.unjudged ?? [])}`, next };
  }
  const more = found.length === 1 ? '' : `; ${found.length - 1} more found such pages`;
  return {
    state: 'bad',
    what: `the audit of ${first.audit} in ${name} found ${first.pages} pages that changed without a trace in the WAL: ${whoIsWrong(first, 'it or the backups before it have them wrong')}${more}`,
    next: howToAcknowledge(first.audit, first, where),
  };
}

/** What audits leave open, as the rest of a sentence. */
function describeUnjudged(unjudged: LineageFacts['unjudged']): string {
  if (unjudged.length === 0) return '';
  const one = unjudged.length === 1;
  return `; ${one ? 'that' : 'those'} of ${unjudged.map(({ audit }) => audit).join(', ')} ${one ? 'leaves' : 'leave'} ${unjudgedCount(unjudged)} pages open that nobody could judge`;
}

function judgeVerified(name: string, lineage: LineageFacts | undefined, cluster: ClusterFacts, now: Date): Judgement {
  const other = cluster.repositories.find((each) => each.name !== name);
  const copied = other === undefined ? '' : ` ${syncCommand(cluster.name, other.name, name)}; or`;
  const of = `--cluster ${cluster.name} --repository ${name}`;
  const next = `dbadmin backup verify ${of} --read-data says what is damaged and which backups that takes; then${copied}: dbadmin backup run ${of} --type full`;
  const unsound = lineage?.unsound;
  if (unsound === undefined) return { state: 'good', what: `nothing in ${name} is known to be damaged`, next };
  const verifiedAt = lineage?.verified?.at ?? unsound.at;
  const later = verifiedAt > unsound.at ? ', and none since has looked at all of them again' : '';
  return {
    state: 'bad',
    what: `the verification of ${name} ${formatDuration(since(unsound.at, now))} ago found ${unsound.faults} faults${later}`,
    next,
  };
}

function judgeDrill(name: string, lineage: LineageFacts | undefined, cluster: string, now: Date): Judgement {
  const failed = lineage?.drillFailed;
  const of = `--cluster ${cluster} --repository ${name}`;
  const same = failed?.backup === undefined ? '' : ` --backup ${failed.backup}`;
  const next = `its report says why: dbadmin backup drill ${of} --verify-report ${failed?.label ?? 'LABEL'} --json; then prove the same again: dbadmin backup drill ${of}${same}`;
  if (failed === undefined) return { state: 'good', what: `no drill of ${name} failed at what none has done since`, next };
  return {
    state: 'bad',
    what: `drill ${failed.label} from ${name} failed ${formatDuration(since(failed.at, now))} ago${
      failed.backup === undefined
        ? ': what it was to restore is not recoverable'
        : ` at ${failed.backup}: what was restored is not what was promised`
    }`,
    next,
  };
}

function judgeDrillAge(
  name: string,
  lineage: LineageFacts | undefined,
  createdAt: Date,
  { name: cluster, limits }: ClusterFacts,
  now: Date,
): Judgement {
  const next = `dbadmin backup drill --cluster ${cluster} --repository ${name}`;
  if (limits.drillAgeMs === undefined || limits.dumpsOnly)
    return { state: 'good', what: `no limit is set for the age of drills of ${name}`, next };
  const at = lineage?.drillPassedAt;
  const limit = formatDuration(limits.drillAgeMs);
  if (at === undefined) {
    const isOver = since(createdAt, now) > limits.drillAgeMs;
    return { state: isOver ? 'bad' : 'good', what: `no drill of ${name} ever passed, and one every ${limit} is promised`, next };
  }
  const text = `the last drill of ${name} passed ${formatDuration(since(at, now))} ago`;
  return since(at, now) > limits.drillAgeMs
    ? { state: 'bad', what: `${text}, over the limit of ${limit}`, next }
    : { state: 'good', what: text, next };
}

function judgeRecovery(name: string, lineage: LineageFacts | undefined, { name: cluster, limits }: ClusterFacts): Judgement {
  const next = 'take backups more often, so that less WAL is replayed; or restore on a faster machine; or raise limits.rto';
  const estimate = lineage === undefined ? undefined : estimateRecovery(lineage);
  if (limits.rtoMs === undefined || limits.dumpsOnly) return { state: 'good', what: `no limit is set for a restore from ${name}`, next };
  if (estimate === undefined)
    return {
      state: 'unknown',
      what: `no drill has measured a restore from ${name}`,
      next: `dbadmin backup drill --cluster ${cluster} --repository ${name}`,
    };
  const text = `a restore from ${name} takes about ${formatDuration(estimate.spanMs)}`;
  return estimate.spanMs > limits.rtoMs
    ? { state: 'bad', what: `${text}, over the limit of ${formatDuration(limits.rtoMs)}`, next }
    : { state: 'good', what: text, next };
}

/** Fills `to` with what `from` has and it has not. */
export function syncCommand(cluster: string, from: string, to: string): string {
  return `dbadmin repository sync --cluster ${cluster} --from ${from} --to ${to}`;
}

function since(moment: Date, now: Date): number {
  return Math.max(0, now.getTime() - moment.getTime());
}
