import { inspectLineage } from '../../backup/lineage-inspect.ts';
import { inspectRecovery } from '../../backup/recovery-inspect.ts';
import { isAhead } from '../../repository/stored-moment.ts';
import { readProofs } from '../../backup/drill/record.ts';
import { newestRecovery, recoveryModel } from '../../backup/windows.ts';
import { formatDuration } from '../../base/durations.ts';
import { messageOf } from '../../base/errors.ts';
import type { RunRepositories } from './run-repositories.ts';

/** The newest backup that can be restored and that no audit casts doubt on, and the last one a drill proved, over all repositories. */
export interface Newest {
  readonly backup: { readonly label: string; readonly repository: string; readonly at: number } | undefined;
  readonly provenAt: number | undefined;
  readonly problems: readonly string[];
}

/** What there is to fall back to, in one line: `full 20261120T020000F in local, 9 h old; proven by a drill 2 d ago`. */
export function describeNewest({ backup, provenAt, problems }: Newest, nowMs: number): string {
  const away = problems.map((problem) => `; ${problem}`).join('');
  if (backup === undefined) return `no backup (dbadmin backup run)${away}`;
  const proof = provenAt === undefined ? 'no drill has proven one yet' : `proven by a drill ${formatDuration(nowMs - provenAt)} ago`;
  return `${backup.label} in ${backup.repository}, ${formatDuration(nowMs - backup.at)} old; ${proof}${away}`;
}

/** Asks every repository of the cluster; what cannot be asked is among the problems. */
export async function inspectNewest(repositories: RunRepositories, now: Date): Promise<Newest> {
  let backup: Newest['backup'];
  let provenAt: number | undefined;
  const problems: string[] = [];
  const destinations = await repositories.destinations();
  const systemIdentifier = destinations.length === 0 ? '' : (await repositories.archiving()).systemIdentifier;
  for (const { name, open } of destinations) {
    try {
      const repository = await open();
      const contents = await inspectLineage(repository, repositories.cluster.name, systemIdentifier);
      const windows = newestRecovery(recoveryModel(await inspectRecovery(repository, contents)))?.windows ?? [];
      const { byLabel } = contents.suspicions;
      const last = windows.findLast((window) => !byLabel.has(window.backup));
      const newest = windows.at(-1);
      if (newest !== undefined && newest !== last) problems.push(`${name}: ${newest.backup} is suspect (dbadmin backup list)`);
      const at = last === undefined || isAhead(new Date(last.from), now) ? undefined : Date.parse(last.from);
      if (last !== undefined && at !== undefined && (backup === undefined || at > backup.at))
        backup = { label: last.backup, repository: name, at };
      const passed = (await readProofs(repository, systemIdentifier, now)).lastPassed;
      if (passed !== undefined) provenAt = Math.max(provenAt ?? 0, Date.parse(passed.finishedAt));
    } catch (error) {
      problems.push(`${name}: ${messageOf(error)}`);
    }
  }
  return { backup, provenAt, problems };
}
