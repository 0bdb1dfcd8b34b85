import type { Problem } from '../../api.ts';

/** The screen on which a problem is seen from near, with what it is about chosen; undefined where there is none. */
export function problemLink({
  kind,
  cluster,
  subject,
}: Pick<Problem, 'kind' | 'cluster' | 'subject'>): readonly [path: string, label: string] | undefined {
  const at = (path: string, values: Readonly<Record<string, string | null>>): string => {
    const query = new URLSearchParams(Object.entries(values).flatMap(([name, value]) => (value === null ? [] : [[name, value]])));
    return query.size === 0 ? path : `${path}?${query.toString()}`;
  };
  if (kind.startsWith('job-')) return [at('/schedule', { job: subject }), 'Show the job'];
  if (kind.startsWith('drill-') || kind === 'restore-slow') return [at('/drills', { cluster }), 'Show the drills'];
  if (kind.startsWith('repository-')) return [at('/repositories', { repository: subject }), 'Show the repository'];
  if (/^(backup|wal|archive|slot|verification)-/.test(kind)) return [at('/backups', { cluster }), 'Show the backups'];
  if (kind === 'policies-unreadable' || kind === 'control-away') return ['/schedule', 'Show the schedule'];
  return undefined;
}
