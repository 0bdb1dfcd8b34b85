import path from 'node:path';
import { DbadminError } from '../../base/errors.ts';
import type { TargetAction } from '../../backup/restore/recovery-settings.ts';
import { parseTarget, type RestoreTarget } from '../../backup/restore/target.ts';
import { flagOption, listOption, textOption, wholeNumberOption, type CommandContext, type CommandInput } from '../command.ts';
import { timelineOption } from '../timeline-option.ts';

/** What `dbadmin restore` was asked for. */
export interface RestoreOptions {
  readonly target: RestoreTarget;
  readonly dataDirectory: string;
  readonly purpose: 'clone' | 'production';
  /** Whether what answers at the original's address, and cannot be asked what it is, is taken for another server. */
  readonly acceptsUnknownOriginal: boolean;
  readonly action: TargetAction;
  readonly exclusive: boolean;
  readonly delta: boolean;
  readonly withoutUnstoredWal: boolean;
  readonly starts: boolean;
  readonly dryRun: boolean;
  readonly reconciles: boolean;
  readonly replaysMigrations: boolean;
  readonly backup: string | undefined;
  readonly acceptsSuspect: boolean;
  readonly timeline: number | undefined;
  readonly port: number | undefined;
  readonly tablespaces: ReadonlyMap<string, string>;
}

const ACTIONS = ['promote', 'pause', 'shutdown'] as const;

/** @throws {DbadminError} `usage`, `time-invalid`. */
export function restoreOptions(context: CommandContext, input: CommandInput): RestoreOptions {
  const options: RestoreOptions = {
    target: parseTarget(targetOptions(input), context.clock.now()),
    dataDirectory: targetDirectory(context, input),
    purpose: purposeOf(input),
    acceptsUnknownOriginal: flagOption(input, 'acceptUnknownOriginal'),
    action: ACTIONS.find((each) => each === (textOption(input, 'action') ?? 'promote')) ?? 'promote',
    exclusive: flagOption(input, 'exclusive'),
    delta: flagOption(input, 'delta'),
    withoutUnstoredWal: flagOption(input, 'withoutUnstoredWal'),
    starts: flagOption(input, 'start'),
    dryRun: flagOption(input, 'dryRun'),
    reconciles: flagOption(input, 'reconcile'),
    replaysMigrations: flagOption(input, 'replayMigrations'),
    backup: textOption(input, 'backup'),
    acceptsSuspect: flagOption(input, 'acceptSuspect'),
    timeline: timelineOption(input),
    port: wholeNumberOption(input, 'port', 1, HIGHEST_PORT),
    tablespaces: tablespaceMap(input),
  };
  if (options.reconciles && options.action !== 'promote') {
    throw new DbadminError('usage', `--reconcile changes the restored cluster, and --action ${options.action} leaves it read-only`);
  }
  if (options.replaysMigrations && !options.reconciles)
    throw new DbadminError('usage', '--replay-migrations is a part of --reconcile', { hint: 'Give both.' });
  refuseUnusable(options);
  if (options.purpose === 'production' && options.port !== undefined)
    throw new DbadminError('usage', '--port is for clones: a production keeps the port of its configuration');
  return options;
}

function purposeOf(input: CommandInput): RestoreOptions['purpose'] {
  const text = textOption(input, 'as') ?? 'clone';
  if (text === 'clone' || text === 'production') return text;
  throw new DbadminError('usage', `a cluster is restored as clone or production, not as "${text}"`);
}

export function targetOptions(input: CommandInput): Parameters<typeof parseTarget>[0] {
  return {
    to: textOption(input, 'to'),
    toLsn: textOption(input, 'toLsn'),
    toXid: textOption(input, 'toXid'),
    toName: textOption(input, 'toName'),
    toLatest: flagOption(input, 'toLatest'),
    immediate: flagOption(input, 'immediate'),
  };
}

function targetDirectory(context: CommandContext, input: CommandInput): string {
  const into = textOption(input, 'into');
  // Of a variable of the shell that was not set: it would be the current directory.
  if (into === undefined || into === '')
    throw new DbadminError('usage', 'restore needs a directory', { hint: 'Give --into DIR: empty, or not there yet.' });
  return path.resolve(context.cwd, into);
}

/** What sh acts upon between double quotes, where pg_ctl puts the directory. */
const ACTED_UPON = /["$`]|\\\\|\\$/;

/**
 * Found out only when all is laid down, otherwise: no line of postgresql.auto.conf can hold a line feed, and pg_ctl hands the directory
 * to a shell, which would run what stands in it.
 */
function refuseUnusable({ dataDirectory, starts, reconciles }: RestoreOptions): void {
  if (dataDirectory.includes('\n'))
    throw new DbadminError('usage', `no cluster can be in ${JSON.stringify(dataDirectory)}`, {
      detail: 'A line feed in a path cannot be written into its configuration.',
    });
  if ((starts || reconciles) && ACTED_UPON.test(dataDirectory))
    throw new DbadminError('usage', `no server can be started in ${dataDirectory}`, {
      detail: 'pg_ctl hands the directory to a shell, which takes ", $, ` and \\ in it for something else.',
      hint: 'Restore into a directory without them.',
    });
}

const HIGHEST_PORT = 65_535;

function tablespaceMap(input: CommandInput): ReadonlyMap<string, string> {
  return new Map(
    listOption(input, 'tablespaceMap').map((each) => {
      const [from, to, ...rest] = each.split('=');
      if (from?.startsWith('/') === true && to?.startsWith('/') === true && rest.length === 0) return [from, to] as const;
      throw new DbadminError('usage', `--tablespace-map takes /old=/new, not "${each}"`);
    }),
  );
}
