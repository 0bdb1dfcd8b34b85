import type { BackupSummary } from '../repository/manifest.ts';
import type { StandingVerification } from './verify/record.ts';

/** Labels of backups that do not restore whole, with that of the verification which says so. */
export type BrokenBackups = ReadonlyMap<string, string>;

export const NONE_BROKEN: BrokenBackups = new Map();

/**
 * Which backups do not restore whole by what verifications found that nothing has cleared since.
 *
 * A backup that came after a verification is not in its report: a full one has read what it rests on, and one that is built on a broken one is
 * taken for broken, for what did not change in between it shares. So is one of which nobody knows any more what it was built on, unless it says itself that this was whole by
 * the verification: whoever took it looked, and what it was built on may have expired since.
 */
export function brokenBackups(backups: readonly BackupSummary[], standing: readonly StandingVerification[]): BrokenBackups {
  const parents = new Map(backups.map(({ label, parent }) => [label, parent]));
  const wholeBy = new Map(backups.map(({ label, parentWholeBy }) => [label, parentWholeBy]));
  const fulls = new Set(backups.flatMap(({ label, kind }) => (kind === 'full' ? [label] : [])));
  const broken = new Map<string, string>();
  for (const { header, findings } of standing) {
    if (findings === undefined || findings.backups.length === 0) continue;
    const [affected, sound] = [new Set(findings.backups), new Set(findings.soundBackups)];
    const isOnWhole = (label: string): boolean => {
      const noted = wholeBy.get(label);
      return noted !== undefined && noted.repositoryId === header.repositoryId && noted.verifications.includes(header.label);
    };
    const isBroken = (label: string): boolean => {
      let at: string | null | undefined = label;
      // As many steps as there are backups: anybody can write manifests that name each other.
      for (let steps = 0; typeof at === 'string' && steps <= backups.length; steps += 1) {
        if (affected.has(at)) return true;
        if (sound.has(at) || fulls.has(at) || isOnWhole(at)) return false;
        at = parents.get(at);
      }
      return true;
    };
    for (const { label } of backups) if (isBroken(label)) broken.set(label, header.label);
  }
  return broken;
}

/** Of so many at most a backup notes that its parent is whole by them. */
const MOST_NOTED = 100;

/** Labels of the verifications that say which backups are broken: nothing is built on these. */
export function toldBy(standing: readonly StandingVerification[]): readonly string[] {
  return standing.flatMap(({ header, findings }) => (findings === undefined ? [] : [header.label])).slice(-MOST_NOTED);
}

/** Labels of dumps of which something is missing or damaged, as such verifications found, with theirs. */
export function brokenDumps(standing: readonly StandingVerification[]): BrokenBackups {
  return new Map(standing.flatMap(({ header, findings }) => (findings?.dumps ?? []).map((label) => [label, header.label] as const)));
}

/** What is said of a newer backup that leads to the same place and is left aside, without the last stop. */
export function describeBrokenAside({ label, verification }: { readonly label: string; readonly verification: string }): string {
  return `${label} is newer and is not taken: it does not restore whole, as verification ${verification} found`;
}
