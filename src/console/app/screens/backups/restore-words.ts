import { shellWord } from '../../../../base/shell-word.ts';
import { stamp } from './zoned-time.ts';

/** What a restore into a scratch cluster is asked for. */
export interface Restore {
  readonly cluster: string;
  readonly repository: string;
  readonly atMs: number;
  /** Undefined: along the newest. */
  readonly timeline: number | undefined;
  readonly into: string;
  readonly reconcile: boolean;
}

/** The parameters of the preflight, and with a directory of the action: text only, as they go over the wire. */
export function restoreParameters({ cluster, repository, atMs, timeline }: Restore): Readonly<Record<string, string>> {
  return {
    cluster,
    repository,
    to: new Date(atMs).toISOString(),
    ...(timeline === undefined ? {} : { timeline: String(timeline) }),
  };
}

/** The command that the buttons run, to be pasted: the moment in the zone of the screen. */
export function restoreCommand({ cluster, repository, atMs, timeline, into, reconcile }: Restore, timeZone: string): string {
  return [
    `dbadmin restore --cluster ${shellWord(cluster)} --repository ${shellWord(repository)}`,
    `--to "${stamp(atMs, timeZone)}"`,
    ...(timeline === undefined ? [] : [`--timeline ${timeline}`]),
    `--into ${shellWord(into)} --start`,
    ...(reconcile ? ['--reconcile'] : []),
  ].join(' ');
}

/** Below the directory for large temporary files, named by what it holds: `/var/tmp/dbadmin-main-20261121T083307Z`. */
export function scratchDirectory(cluster: string, atMs: number): string {
  const at = new Date(atMs).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  return `/var/tmp/dbadmin-${cluster.replaceAll(/[^\w.-]/g, '_')}-${at}`;
}

const GAP_REASONS: Readonly<Record<string, string>> = {
  hole: 'WAL that is not stored',
  'slot-lost': 'the slot was lost',
};

/** Why WAL is missing, for people. */
export function gapReason(reasons: readonly string[]): string {
  if (reasons.length === 0) return 'no backup reaches over it';
  return reasons.map((reason) => GAP_REASONS[reason] ?? reason.replaceAll('-', ' ')).join(', ');
}
