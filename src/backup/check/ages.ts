import { formatDuration } from '../../base/durations.ts';
import { howToAcknowledge, whoIsWrong, type DifferingPages } from '../../repository/differing-pages.ts';
import { unjudgedTexts, type UnjudgedAudit } from '../../repository/unjudged-pages.ts';
import type { DatabaseDumps } from '../dump/last-inspect.ts';
import { note, ok, problem, type Finding } from './finding.ts';

/** What the policies promise of a cluster; the strictest where there are several. */
export interface AgeLimits {
  /** Names of policies that keep to dumps (`base: none`), when all of the cluster do; else none. */
  readonly dumpsOnly: readonly string[];
  readonly backupAgeMs: number | undefined;
  readonly drillAgeMs: number | undefined;
}

/** What there is in a repository, and since when. */
export interface Ages {
  /** When the repository was made. */
  readonly repositoryAt: Date;
  readonly backups: number;
  /** The newest that is neither damaged nor known to be wrong. */
  readonly backupAt: Date | undefined;
  /** Labels of such as are of a moment that has not come: nothing tells how old they are. */
  readonly ahead: readonly string[];
  readonly dumps: readonly DatabaseDumps[];
  /** The last drill that passed. */
  readonly drillAt: Date | undefined;
  /** One that failed and that nothing has settled since, or the last, if it did not pass. */
  readonly drillFailed: { readonly label: string; readonly isLast: boolean } | undefined;
  /** What audits of full backups found and nobody has acknowledged. */
  readonly mismatches: readonly (DifferingPages & { readonly audit: string })[];
  /** What audits leave open. */
  readonly unjudged: readonly UnjudgedAudit[];
  readonly verified: { readonly at: Date; readonly isSound: boolean } | undefined;
}

/** What the ages mean: against the limits of the policies, and by themselves. */
export function judgeAges(place: string, ages: Ages, limits: AgeLimits, now: Date): readonly Finding[] {
  const what = `repository ${place}`;
  if (limits.dumpsOnly.length > 0) return judgeDumps(what, ages, limits, now);
  if (ages.backupAt === undefined) {
    const others = ages.ahead.length === 0 ? 'damaged or wrong' : 'damaged, wrong or of a moment that has not come';
    const detail = ages.backups === 0 ? 'none yet' : `${ages.backups}, all of them ${others}`;
    // A first backup is late only when the repository is older than the newest one may be.
    const isLate = ages.backups === 0 ? isOver(ages.repositoryAt, limits.backupAgeMs, now) : limits.backupAgeMs !== undefined;
    return [(isLate ? problem : note)(`${what} backups`, detail, 'dbadmin backup run')];
  }
  const backups = `${ages.backups}, the last ${spanSince(ages.backupAt, now)} ago`;
  return [
    isOver(ages.backupAt, limits.backupAgeMs, now)
      ? problem(`${what} backups`, `${backups}: the policy allows ${formatDuration(limits.backupAgeMs ?? 0)}`, 'dbadmin backup run')
      : ok(`${what} backups`, backups),
    ...(ages.ahead.length === 0
      ? []
      : [
          note(
            `${what} clocks`,
            `of a moment that has not come: ${ages.ahead.join(', ')}. A clock was ahead when they were taken, or this one is behind; their age counts for nothing`,
            'look at the clocks of the machines that take backups',
          ),
        ]),
    ...ages.mismatches.map((mismatch) =>
      problem(
        `${what} audit`,
        `that of ${mismatch.audit} found ${mismatch.pages} pages that changed without a trace in the WAL: ${whoIsWrong(mismatch, 'it or the backups before it are wrong')}`,
        howToAcknowledge(mismatch.audit, mismatch),
      ),
    ),
    ...judgeUnjudged(what, ages),
    judgeDrill(place, ages, limits, now),
    judgeVerified(what, ages, now),
  ];
}

function judgeUnjudged(what: string, { unjudged }: Ages): readonly Finding[] {
  return unjudged.flatMap((open) =>
    unjudgedTexts(open).map((text) => note(`${what} audit`, `that of ${open.audit}: ${text.what}`, text.next)),
  );
}

function judgeDrill(place: string, { drillAt, drillFailed }: Ages, { drillAgeMs }: AgeLimits, now: Date): Finding {
  const name = `repository ${place} drill`;
  const fix = `dbadmin backup drill --repository ${place}`;
  if (drillFailed !== undefined) {
    const { label, isLast } = drillFailed;
    return problem(
      name,
      isLast ? `the last one, ${label}, did not pass` : `${label} failed, and none since has restored the same and passed`,
      `${fix}; its report says why: ${fix} --verify-report ${label} --json`,
    );
  }
  if (drillAt === undefined) {
    const detail = 'never: no backup here has been restored to see whether it can be';
    return drillAgeMs === undefined ? note(name, detail, fix) : problem(name, detail, fix);
  }
  const detail = `the last passed ${spanSince(drillAt, now)} ago`;
  return isOver(drillAt, drillAgeMs, now)
    ? problem(name, `${detail}: the policy allows ${formatDuration(drillAgeMs ?? 0)}`, fix)
    : ok(name, detail);
}

function judgeVerified(what: string, { verified }: Ages, now: Date): Finding {
  const name = `${what} verified`;
  if (verified === undefined) return note(name, 'never', 'dbadmin backup verify --read-data');
  if (!verified.isSound)
    return problem(
      name,
      `${spanSince(verified.at, now)} ago, and something was missing or damaged`,
      'dbadmin backup verify --read-data says what',
    );
  return ok(name, `${spanSince(verified.at, now)} ago, sound`);
}

/** Where dumps are all there is, what is lost with the server is what came since the last that holds all of a database. */
function judgeDumps(what: string, { dumps, backups }: Ages, { dumpsOnly }: AgeLimits, now: Date): readonly Finding[] {
  const policies = dumpsOnly.map((name) => `policies.${name}.base: none`).join(', ');
  const mode = note(
    `${what} dumps only`,
    `as ${policies} has it: a restore brings back the moment of a dump, and no other. Recovery to a point in time (PITR) is refused${backups === 0 ? '' : `, but for the ${backups} backups that are there`}`,
    'where that is too much: give the policy base: { full: … } and wal:',
  );
  const missing = dumps.filter(({ last }) => last === undefined);
  const held = dumps.flatMap(({ database, last, ageMs }) => (last === undefined ? [] : [{ database, at: new Date(last.at), ageMs }]));
  const [oldest] = held.toSorted((a, b) => a.at.getTime() - b.at.getTime());
  if (oldest === undefined)
    return [
      mode,
      problem(`${what} dumps`, 'none yet that holds all of a database: everything is lost with the server', 'dbadmin backup dump'),
    ];
  const late = held.filter(({ at, ageMs }) => isOver(at, ageMs, now));
  const loss = `the last began ${spanSince(oldest.at, now)} ago: if the server vanished now, so much would be lost`;
  const lateText = late.map(
    ({ database, at, ageMs }) => `${database}: ${spanSince(at, now)}, and the policy allows ${formatDuration(ageMs ?? 0)}`,
  );
  return [
    mode,
    late.length > 0 ? problem(`${what} dumps`, `${loss}; ${lateText.join('; ')}`, 'dbadmin backup dump') : ok(`${what} dumps`, loss),
    ...missing.map(({ database }) =>
      problem(
        `${what} dumps`,
        `none holds all of database ${database}: it is lost with the server`,
        `dbadmin backup dump says what stops it; where it need not be kept, exclude: [${database}] in the policy`,
      ),
    ),
  ];
}

function isOver(at: Date, limitMs: number | undefined, now: Date): boolean {
  return limitMs !== undefined && now.getTime() - at.getTime() > limitMs;
}

function spanSince(at: Date, now: Date): string {
  return formatDuration(Math.max(0, now.getTime() - at.getTime()));
}
