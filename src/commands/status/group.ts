import type { CommandSpec } from '../command.ts';

export const STATUS_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'status',
    summary: 'what is lost if the host vanishes now and when it is back; backups, WAL, drills, jobs, drift',
    description: `One screen. Its first line for each cluster says what would be lost with the host (from where the stored WAL ends), and how long a
restore takes (the newest drill's time, scaled to the bytes and the WAL of today, with a quarter more). Then what can be restored, backups,
WAL behind the server, drills, migrations, roles, jobs, and what is wrong with what to do about it. What cannot be looked at is
told as not known, with the reason.

With --nagios it is a monitoring plugin: exit status 0 well, 1 over a limit, 2 something does not work, 3 not known. With
--prometheus it is metrics; --out writes them for node_exporter's textfile collector, the whole file or nothing.

$ dbadmin status
$ dbadmin status --exit-code --quiet
$ dbadmin status --nagios
$ dbadmin status --prometheus --out /var/lib/prometheus/node-exporter/dbadmin.prom`,
    options: [
      { flags: '--brief', summary: 'without the size of repositories, migrations and roles, which take longer to look at' },
      { flags: '--exit-code', summary: 'exit 2 when anything is wrong' },
      { flags: '--nagios', summary: 'one line for Nagios, Icinga and the like, with figures; exit 0, 1, 2 or 3' },
      { flags: '--prometheus', summary: 'metrics in the text format of Prometheus' },
      { flags: '--out <file>', summary: 'write the metrics there instead of printing them' },
    ],
    json: [
      'at: when all was looked at',
      'clusters: array of { name, place, loss, restore, server, repositories, migrations, roles, limits }; anything in it that could not be looked at is { unknown: why }',
      'clusters[].loss: { kind: span, everything or unknown; lossMs, coveredUntil, because, without: databases that no dump holds where dumps are all, repository, isOnHost: it has to survive the host }',
      '… repositories[].state.lineage.dumps: array of { database, at: when the last dump with all of it began or null, limitMs }: every database that is to be dumped; dumpAt: the oldest of these moments',
      'clusters[].restore: { restoreMs, drill, drilledAt, measuredMs }, or null when no drill measured it',
      'jobs: array of { name, description, policy, cluster, nextAt, timeZone, isPaused, pausedUntil, last, lastSuccess, missedAt, graceMs }',
      'problems: array of { kind, severity: failed or late, cluster, subject, what, next }',
      'unknown: array of { kind, cluster, subject, what }: what could not be judged',
    ],
    load: async () => await import('./status.ts'),
  },
];
