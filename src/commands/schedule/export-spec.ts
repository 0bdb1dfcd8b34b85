import type { CommandSpec } from '../command.ts';

export const EXPORT_COMMAND: CommandSpec = {
  name: 'schedule export',
  summary: 'the schedule for systemd, cron, Kubernetes or Windows, where no worker runs',
  description: `Writes the jobs of backups/policies.yaml as the target has them; each calls dbadmin schedule run, which makes the attempts and
keeps a job from overlapping itself. What a target cannot express is left out and named, with the way out. WAL that a policy
streams becomes a service that is kept running; cron cannot do that. Where the policies name whom to tell (notify), a look each
minute is exported, too: dbadmin alerts check. No secret is ever written: units, manifests and tasks name
where they come from.

systemd: a service and a timer a job, in the job's own time zone; where systemd's rules for changes of the clock are others than
ours, the moments of ten years are written out. Needs systemd 249 or later. Units of jobs that are gone are removed.

Kubernetes: prints CronJobs and Deployments as YAML. The project's files come from the config map dbadmin-project, variables
from the secret dbadmin.

Cron: zones other than the machine's are named with CRON_TZ, which cronie reads (Red Hat, Fedora, SUSE, Arch) and the cron of
Debian, Ubuntu, Alpine and macOS does not: there use --convert, which writes the machine's own time where that is exact. Cron gives
a job no environment: what the project takes from there stands in an --environment-file, which a shell reads before each job.

$ dbadmin schedule export --systemd /etc/systemd/system --environment-file /etc/dbadmin/environment
$ dbadmin schedule export --kubernetes --image registry.example.org/dbadmin:0.1.0 | kubectl apply -f -
$ dbadmin schedule export --cron --convert --environment-file /etc/dbadmin/environment | crontab -
$ dbadmin schedule export --task-scheduler tasks --time-zone Europe/Berlin`,
  options: [
    { flags: '--systemd <dir>', summary: 'write services and timers there' },
    { flags: '--cron', summary: 'print a crontab' },
    { flags: '--kubernetes', summary: 'print manifests' },
    { flags: '--task-scheduler <dir>', summary: 'write definitions for Windows there, in XML' },
    { flags: '--print', summary: 'systemd, Windows: write nothing, show what would be written' },
    { flags: '--convert', summary: "cron: write times in the machine's zone instead of CRON_TZ" },
    { flags: '--user <name>', summary: 'systemd, Windows: whom jobs run as (default: you; on Windows the local service account)' },
    { flags: '--environment-file <file>', summary: 'systemd, cron: a file of NAME=value lines that jobs read' },
    { flags: '--credential <name:file>', summary: 'systemd: a file for ${CREDENTIALS_DIRECTORY}/NAME in dbadmin.yaml', repeatable: true },
    { flags: '--image <image>', summary: 'Kubernetes: the image to run, whose command dbadmin is this version' },
    { flags: '--namespace <name>', summary: 'Kubernetes: where it runs' },
    { flags: '--time-zone <zone>', summary: "Windows: the zone of the machine it is for (default: this machine's)" },
    { flags: '--program <path>', summary: 'what runs dbadmin there (default: this installation)' },
  ],
  json: [
    'omitted: array of { job, reason }: what the target cannot express or this dbadmin cannot run',
    'With --systemd: directory, files: names, removed: names of units whose jobs are gone, enable: units to enable',
    'With --cron: text, lines: array of { jobs: [names], line, timeZone }, variables: names of those that have to be given',
    'With --kubernetes: text, manifests: array, variables: array of { name, isNeeded }',
    'With --task-scheduler: directory, files: names, timeZone',
    'With --print: texts: the text of each file under its name',
  ],
  load: async () => await import('./export.ts'),
};
