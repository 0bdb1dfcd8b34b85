import { DbadminError } from '../../base/errors.ts';
import { listOption, textOption, type CommandInput } from '../command.ts';

/**
 * What is restored: a whole cluster, tables through a throw-away one (`--table`), databases of a dump (`--dump`), or no more of that than its files
 * (`--dump` with `--into`).
 */
export type RestoreKind = 'cluster' | 'tables' | 'dump' | 'files';

const ANYWAY = ['repository', 'systemIdentifier', 'withoutLedgerEntry', 'dryRun'];
const MOMENT = [
  'to',
  'toLatest',
  'toLsn',
  'toXid',
  'toName',
  'beforeDrop',
  'immediate',
  'exclusive',
  'timeline',
  'backup',
  'acceptSuspect',
];

/** The options that each kind acts on, in camel case; any other one would be passed over. */
export const HEEDED: Readonly<Record<RestoreKind, readonly string[]>> = {
  cluster: [
    ...ANYWAY,
    ...MOMENT,
    'into',
    'tablespaceMap',
    'action',
    'as',
    'acceptUnknownOriginal',
    'delta',
    'withoutUnstoredWal',
    'start',
    'reconcile',
    'replayMigrations',
    'port',
    'database',
  ],
  tables: [...ANYWAY, ...MOMENT, 'table', 'schema', 'database', 'reconcile', 'spool', 'intoUrl'],
  dump: [...ANYWAY, 'dump', 'databases', 'name', 'globals', 'jobs', 'spool', 'intoUrl'],
  files: [...ANYWAY, 'dump', 'databases', 'globals', 'into'],
};

/** Recovery targets at which no transaction is that could be left out; recovery_target_inclusive is for the others, too. */
const WITHOUT_EXCLUSIVE: readonly string[] = ['toLatest', 'toName', 'immediate'];

const OWN: ReadonlySet<string> = new Set(Object.values(HEEDED).flat());

/**
 * What the command line asks for.
 *
 * @throws {DbadminError} `usage` for an option that this kind does not act on: whoever gave `--reconcile` relies on it.
 */
export function restoreKind(input: CommandInput): RestoreKind {
  const kind = kindOf(input);
  const given = Object.keys(input.options).filter((name) => OWN.has(name) && input.options[name] !== undefined);
  const passedOver = given.find((name) => !HEEDED[kind].includes(name));
  if (passedOver !== undefined) throw notHeeded(passedOver, kind);
  if (kind === 'cluster' && given.includes('database') && !given.includes('beforeDrop'))
    throw new DbadminError('usage', '--database goes with --table or --before-drop', {
      hint: 'A cluster is restored with all its databases.',
    });
  const end = WITHOUT_EXCLUSIVE.find((name) => given.includes(name));
  if (given.includes('exclusive') && end !== undefined)
    throw new DbadminError('usage', `--exclusive does not go with ${flag(end)}`, {
      hint: 'No transaction is at that end which could be left out: restore without it, or to before one with --to, --to-lsn or --to-xid.',
    });
  const action = textOption(input, 'action') ?? 'promote';
  if (given.includes('toLatest') && action !== 'promote')
    throw new DbadminError('usage', `--action ${action} does not go with --to-latest`, {
      detail: 'PostgreSQL acts so at a target alone: where it has replayed all there is it opens.',
      hint: 'Give a moment or a position, with --to or --to-lsn: dbadmin backup info shows up to when.',
    });
  return kind;
}

function kindOf(input: CommandInput): RestoreKind {
  if (textOption(input, 'dump') !== undefined) return textOption(input, 'into') === undefined ? 'dump' : 'files';
  return listOption(input, 'table').length > 0 ? 'tables' : 'cluster';
}

function notHeeded(name: string, kind: RestoreKind): DbadminError {
  if (kind === 'cluster') {
    const others = (['tables', 'dump'] as const).filter((other) => HEEDED[other].includes(name));
    return new DbadminError('usage', `${flag(name)} goes with ${others.map(modeFlag).join(' or ')}`, {
      hint: 'A whole cluster is restored without it.',
    });
  }
  return new DbadminError('usage', `${flag(name)} does not go with ${modeFlag(kind)}`, {
    hint:
      kind !== 'tables' && name === 'reconcile'
        ? 'Nothing takes away again what comes back with a dump: --dry-run names it, for you to do it before anyone uses the restored databases.'
        : `What goes with it: ${HEEDED[kind].map(flag).join(', ')}.`,
  });
}

function modeFlag(kind: Exclude<RestoreKind, 'cluster'>): string {
  return { tables: '--table', dump: '--dump', files: '--dump and --into' }[kind];
}

function flag(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
