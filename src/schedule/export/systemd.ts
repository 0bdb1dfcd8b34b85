import { NOT_EXPIRED } from '../../base/exit-status.ts';
import { describeWork, type Job, type Policies, type Reception } from '../policies.ts';
import { periodBounds } from '../upcoming.ts';
import { onCalendar } from './on-calendar.ts';
import { planExport, type Exported, type Omitted } from './plan.ts';

export interface SystemdOptions {
  readonly now: Date;
  /** The absolute words that run a job, unquoted. */
  readonly commandOf: (job: Job) => readonly string[];
  readonly receiveCommandOf: (reception: Reception) => readonly string[];
  readonly receptions: readonly Reception[];
  readonly refusalOf: (job: Job) => string | undefined;
  /** dbadmin.yaml, absolute: it marks the units as belonging to this project. */
  readonly configFile: string;
  /** Where relative paths of the configuration start. */
  readonly directory: string;
  readonly user: string;
  /** File of `NAME=value` lines with the secrets; the units name it and hold none. */
  readonly environmentFile: string | undefined;
  /** `name:file`, for `{ from: file, path: "${CREDENTIALS_DIRECTORY}/name" }`. */
  readonly credentials: readonly string[];
  /** Directories that backups are written to. */
  readonly writable: readonly string[];
  /** A socket or a repository lies in a directory for temporary files, which must not be a private one then. */
  readonly sharesTmp: boolean;
}

/** Units to be written into one directory, and the names to enable. */
export interface SystemdUnits {
  readonly files: ReadonlyMap<string, string>;
  readonly enable: readonly string[];
  readonly omitted: readonly Omitted[];
}

/** The line by which a unit of this project is known again. */
export function systemdMark(configFile: string): string {
  return `# dbadmin schedule export --systemd of ${configFile}. Change the policies, not this, and export again.`;
}

/** Services and timers for a schedule: one timer a job, `OnSuccess=` for jobs after others, one service a cluster whose WAL is received. */
export function systemdUnits(policies: Policies, options: SystemdOptions): SystemdUnits {
  const calendarOf = new Map<string, { readonly expressions: readonly string[]; readonly exceptions: readonly string[] }>();
  const { exported, omitted } = planExport(policies, {
    refusalOf: options.refusalOf,
    limitOf: (job, recurrence) => {
      const calendar = onCalendar(recurrence, options.now);
      if ('refusal' in calendar) return calendar.refusal;
      calendarOf.set(job.name, calendar);
      return undefined;
    },
  });
  const files = new Map<string, string>();
  const enable: string[] = [];
  for (const each of exported) {
    const jobs = [each.job, ...each.after];
    for (const job of jobs) files.set(`${unitName(job.name)}.service`, jobService(job, jobs, options));
    files.set(
      `${unitName(each.job.name)}.timer`,
      timer(each, calendarOf.get(each.job.name) ?? { expressions: [], exceptions: [] }, options),
    );
    enable.push(`${unitName(each.job.name)}.timer`);
  }
  for (const reception of options.receptions) {
    files.set(`${unitName(reception.name)}.service`, receiveService(reception, options));
    enable.push(`${unitName(reception.name)}.service`);
  }
  return { files, enable, omitted };
}

/** `dbadmin-listening.full`: names of jobs hold nothing that a unit's may not. */
function unitName(name: string): string {
  return `dbadmin-${name}`;
}

function jobService(job: Job, chain: readonly Job[], options: SystemdOptions): string {
  const next = chain.filter(({ trigger }) => trigger.kind === 'after' && trigger.jobs.includes(job.name));
  return lines([
    systemdMark(options.configFile),
    '[Unit]',
    `Description=${specifiers(`dbadmin ${job.name}: ${oneLine(describeWork(job.work))}`)}`,
    'Documentation=man:dbadmin(1)',
    'Wants=network-online.target',
    'After=network-online.target postgresql.service',
    ...(next.length === 0 ? [] : [`OnSuccess=${next.map(({ name }) => `${unitName(name)}.service`).join(' ')}`]),
    '',
    '[Service]',
    'Type=oneshot',
    ...guards(job, options.now),
    `ExecStart=${execLine(options.commandOf(job))}`,
    ...(next.length === 0 ? [] : notExpired(next)),
    'TimeoutStartSec=infinity',
    ...common(options),
  ]);
}

/** Starts what follows where OnSuccess= does not. The unit stays failed: where no control database records runs, nothing else would tell anybody. */
function notExpired(next: readonly Job[]): readonly string[] {
  const start = `systemctl start --no-block ${next.map(({ name }) => `${unitName(name)}.service`).join(' ')}`;
  return [
    '# All was taken, and only older backups or dumps did not expire: this unit has failed, and what follows runs. As root: User= may start no units.',
    `ExecStopPost=+/bin/sh -c ${execWord(`[ "$EXIT_CODE:$EXIT_STATUS" != exited:${NOT_EXPIRED} ] || ${start}`)}`,
  ];
}

/** What keeps a service from running outside the job's period: it is skipped then, which is neither success nor failure. */
function guards(job: Job, now: Date): readonly string[] {
  const { from, until } = periodBounds(job.period, now);
  const test = (operator: string, moment: Date): string =>
    `ExecCondition=/bin/sh -c ${execWord(`[ "$(date +%s)" ${operator} ${Math.floor(moment.getTime() / 1000)} ]`)}`;
  return [...(from === undefined ? [] : [test('-ge', from)]), ...(until === undefined ? [] : [test('-lt', until)])];
}

function timer(
  { job, recurrence }: Exported,
  { expressions, exceptions }: { readonly expressions: readonly string[]; readonly exceptions: readonly string[] },
  options: SystemdOptions,
): string {
  return lines([
    systemdMark(options.configFile),
    '[Unit]',
    `Description=${specifiers(`dbadmin ${job.name}: ${recurrence.cron} ${recurrence.timeZone}`)}`,
    'Documentation=man:dbadmin(1)',
    '',
    '[Timer]',
    ...expressions.map((each) => `OnCalendar=${each}`),
    ...(exceptions.length === 0 ? [] : ['# Where clocks change: times that are skipped come after the change, those of every hour go on.']),
    ...exceptions.map((each) => `OnCalendar=${each}`),
    `# ${job.catchUp === 'none' ? 'What was missed while the machine was off is left out' : 'One run for all that was missed while the machine was off'} (catch_up).`,
    `Persistent=${job.catchUp === 'none' ? 'false' : 'true'}`,
    'AccuracySec=1s',
    'RandomizedDelaySec=0',
    '',
    '[Install]',
    'WantedBy=timers.target',
  ]);
}

function receiveService(reception: Reception, options: SystemdOptions): string {
  return lines([
    systemdMark(options.configFile),
    '[Unit]',
    `Description=${specifiers(`dbadmin ${reception.name}: receive the WAL of ${reception.cluster}`)}`,
    'Documentation=man:dbadmin(1)',
    'Wants=network-online.target',
    'After=network-online.target postgresql.service',
    '# However often the server or a repository is away: it is tried again.',
    'StartLimitIntervalSec=0',
    '',
    '[Service]',
    'Type=exec',
    `ExecStart=${execLine(options.receiveCommandOf(reception))}`,
    'Restart=always',
    'RestartSec=5s',
    'RuntimeDirectory=dbadmin',
    'RuntimeDirectoryPreserve=yes',
    ...common(options),
    '',
    '[Install]',
    'WantedBy=multi-user.target',
  ]);
}

/** Who it runs as, with which secrets, and what it may not do. Node makes code at run time and asks for the machine's addresses: MemoryDenyWriteExecute and a life without AF_NETLINK would stop it. */
function common(options: SystemdOptions): readonly string[] {
  return [
    `User=${options.user}`,
    `WorkingDirectory=${specifiers(options.directory)}`,
    '# On disk: /tmp is memory on many systems, where what is set aside to save memory would lie in it. The environment file may say otherwise.',
    'Environment=TMPDIR=/var/tmp',
    ...(options.environmentFile === undefined ? [] : [`EnvironmentFile=${specifiers(options.environmentFile)}`]),
    ...options.credentials.map((each) => `LoadCredential=${specifiers(each)}`),
    'StateDirectory=dbadmin',
    'UMask=0077',
    'KillMode=mixed',
    'TimeoutStopSec=60s',
    'NoNewPrivileges=yes',
    'ProtectSystem=full',
    ...options.writable.map((each) => `ReadWritePaths=-${specifiers(each)}`),
    `PrivateTmp=${options.sharesTmp ? 'no' : 'yes'}`,
    'ProtectClock=yes',
    'ProtectControlGroups=yes',
    'ProtectHostname=yes',
    'ProtectKernelLogs=yes',
    'ProtectKernelModules=yes',
    'ProtectKernelTunables=yes',
    'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK',
    'RestrictNamespaces=yes',
    'RestrictRealtime=yes',
    'RestrictSUIDSGID=yes',
    'LockPersonality=yes',
    'SystemCallArchitectures=native',
  ];
}

function execLine(words: readonly string[]): string {
  return words.map((word) => execWord(word)).join(' ');
}

/** A word as systemd reads it: `%` begins a specifier, `$` a variable, and the rest may stand in quotes. */
function execWord(word: string): string {
  const escaped = specifiers(word).replaceAll('$', '$$$$');
  return /^[\w@%$+=:,./-]+$/.test(escaped) ? escaped : `"${escaped.replaceAll('\\', '\\\\').replaceAll('"', String.raw`\"`)}"`;
}

function specifiers(text: string): string {
  return text.replaceAll('%', '%%');
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}

function lines(all: readonly string[]): string {
  return `${all.join('\n')}\n`;
}
