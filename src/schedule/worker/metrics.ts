import type { WorkerFacts } from './facts.ts';

/** What a worker says of itself, as Prometheus text. */
export function workerMetrics({ control, running, slots, ended, receptions, startedAt }: WorkerFacts): string {
  const lines: string[] = [];
  const metric = (
    name: string,
    type: 'gauge' | 'counter',
    help: string,
    samples: readonly (readonly [labels: string, value: number])[],
  ): void => {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples.map(([labels, value]) => `${name}${labels} ${value}`));
  };
  metric('dbadmin_worker_start_time_seconds', 'gauge', 'When the worker started, in Unix time.', [['', startedAt.getTime() / 1000]]);
  metric('dbadmin_worker_control_connected', 'gauge', 'Whether the control database answers.', [
    ['', control.kind === 'connected' ? 1 : 0],
  ]);
  metric('dbadmin_worker_slots', 'gauge', 'How many jobs it runs at a time.', [['', slots]]);
  metric('dbadmin_worker_jobs_running', 'gauge', 'How many jobs it runs now.', [['', running.length]]);
  metric(
    'dbadmin_worker_attempts_total',
    'counter',
    'Attempts that ended since it started, by how.',
    Object.entries(ended).map(([outcome, count]) => [`{outcome="${outcome}"}`, count] as const),
  );
  metric(
    'dbadmin_worker_wal_receiving',
    'gauge',
    'Whether it receives the WAL of a cluster; 0 while another does, or nobody can.',
    receptions.map(({ cluster, state }) => [`{cluster="${cluster}"}`, state === 'receiving' ? 1 : 0] as const),
  );
  return `${lines.join('\n')}\n`;
}
