import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { judgeProject } from '../../../src/status/conditions.ts';
import { prometheusText } from '../../../src/status/prometheus.ts';
import { completeFacts } from './project-facts.ts';

const COMPLETE = completeFacts();
const known = new Set(
  [...prometheusText(COMPLETE, judgeProject(COMPLETE)).matchAll(/^# TYPE (\S+) gauge$/gm)].map((match) => match[1] ?? ''),
);

test.each(['monitoring/dbadmin.rules.yaml', 'monitoring/grafana-dashboard.json'])(
  '%s asks for nothing that dbadmin does not tell',
  (file) => {
    const asked = new Set([...readFileSync(file, 'utf8').matchAll(/\bdbadmin_[a-z_]+\b/g)].map(([name]) => name));
    expect(asked.size).toBeGreaterThan(10);
    expect([...asked].filter((name) => !known.has(name))).toEqual([]);
  },
);

test('the dashboard shows every figure that a DBA asks for: loss, restore, window, WAL, backups, drills, jobs, room, drift', () => {
  const { panels } = JSON.parse(readFileSync('monitoring/grafana-dashboard.json', 'utf8')) as {
    panels: readonly { id: number; title: string; targets: readonly { expr: string }[]; gridPos: { x: number; w: number } }[];
  };
  const asked = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)).join('\n');
  for (const name of [
    'loss',
    'restore',
    'recoverable_from',
    'recoverable_until',
    'wal_lag',
    'backup',
    'drill_passed',
    'job_success',
    'repository_free',
    'roles_drift',
    'migrations_pending',
    'condition',
  ]) {
    expect(asked).toContain(`dbadmin_${name}`);
  }
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
});
