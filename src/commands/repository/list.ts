import { formatMoment } from '../../backup/restore/target.ts';
import { formatBytes } from '../../base/bytes.ts';
import { DbadminError } from '../../base/errors.ts';
import { IN_PART } from '../../base/exit-status.ts';
import type { RepositoryConfig } from '../../config/config.ts';
import { listClusters } from '../../repository/identity.ts';
import { measureUsage, type RepositoryUsage } from '../../repository/usage.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { damageTeller, openLocked } from '../open-repository.ts';
import { inspectListedCluster, type ListedCluster } from './listed-cluster.ts';

interface Listed {
  readonly name: string;
  readonly type: RepositoryConfig['type'];
  readonly place: string;
  readonly reachable: boolean;
  readonly problem: string | null;
  readonly writable: boolean | null;
  readonly encrypted: boolean | null;
  readonly format: number | null;
  readonly objects: number | null;
  readonly usedBytes: number | null;
  readonly freeBytes: number | null;
  readonly growthBytesPerDay: number | null;
  readonly daysUntilFull: number | null;
  readonly backups: number | null;
  readonly oldestBackup: string | null;
  readonly newestBackup: string | null;
  readonly createdAt: string | null;
  readonly encryption: string | null;
  readonly conditionalCreate: boolean | null;
  readonly objectLockDays: number | null;
  readonly kinds: RepositoryUsage['kinds'] | null;
  readonly curve: RepositoryUsage['curve'] | null;
  readonly clusters: readonly ListedCluster[] | null;
}

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const { config } = await loadProject(context, input);
  const asked = textOption(input, 'repository');
  const places = [...config.repositories.values()].filter(({ name }) => asked === undefined || name === asked);
  if (places.length === 0) {
    throw new DbadminError(
      asked === undefined ? 'config-missing' : 'usage',
      asked === undefined ? 'the configuration has no repository' : `there is no repository ${asked} in the configuration`,
      {
        hint: 'Repositories are configured in dbadmin.yaml under repositories.',
      },
    );
  }
  const listed: Listed[] = [];
  for (const place of places) listed.push(await inspect(context, place));
  output.table(
    [
      'repository',
      'place',
      'state',
      'encrypted',
      { head: 'used', align: 'right' },
      { head: 'free', align: 'right' },
      { head: 'a day', align: 'right' },
      'full in',
      'oldest backup',
      'newest backup',
    ],
    listed.map(row),
  );
  for (const { name, problem } of listed) if (problem !== null) output.line(`${name}: ${problem}`);
  for (const each of listed)
    for (const cluster of each.clusters ?? []) if (cluster.name === null) output.line(unnamedLine(each.name, cluster));
  output.result({ repositories: listed });
  return listed.some(({ reachable }) => !reachable) ? IN_PART : 0;
}

async function inspect(context: CommandContext, place: RepositoryConfig): Promise<Listed> {
  const objectLockDays = place.type === 's3' ? (place.objectLockDays ?? null) : null;
  const common = { name: place.name, type: place.type, place: placeOf(place), objectLockDays };
  try {
    const { store, identity } = await openLocked(context, place);
    try {
      const repository = { store, identity, keys: undefined, onDamaged: damageTeller(context, place.name) };
      const usage = await measureUsage(store, context.clock.now());
      const named = await listClusters(repository);
      // The object that names a lineage may be damaged, or gone: what it lies beside is there.
      const unnamed = [...usage.lineages.keys()].filter((id) => named.every(({ systemIdentifier }) => systemIdentifier !== id));
      const clusters: ListedCluster[] = [];
      for (const cluster of [...named, ...unnamed.map((systemIdentifier) => ({ systemIdentifier }))])
        clusters.push(await inspectListedCluster(repository, cluster, usage, context.clock.now()));
      const moments = (end: 'oldestBackup' | 'newestBackup'): readonly string[] => clusters.flatMap((each) => each[end] ?? []).sort();
      return {
        ...common,
        reachable: true,
        problem: usage.writeProblem ?? null,
        encrypted: identity.encryption !== 'none',
        format: identity.format,
        ...figures(usage),
        backups: clusters.reduce((sum, { backups }) => sum + backups, 0),
        oldestBackup: moments('oldestBackup')[0] ?? null,
        newestBackup: moments('newestBackup').at(-1) ?? null,
        createdAt: identity.createdAt,
        encryption: identity.encryption,
        conditionalCreate: identity.conditionalCreate,
        kinds: usage.kinds,
        curve: usage.curve,
        clusters,
      };
    } finally {
      await store.close();
    }
  } catch (error) {
    if (!(error instanceof DbadminError) || error.code === 'interrupted') throw error;
    return { ...common, reachable: false, problem: error.message, ...UNKNOWN };
  }
}

function unnamedLine(repository: string, { systemIdentifier, backups, usedBytes }: ListedCluster): string {
  const held = `${repository}: nothing says of which cluster lineage ${systemIdentifier} is (${backups} ${backups === 1 ? 'backup' : 'backups'}, ${formatBytes(usedBytes)})`;
  // Without a backup nothing says what else has to be known of it.
  return backups === 0 ? held : `${held}: --system-identifier ${systemIdentifier} finds it`;
}

const UNKNOWN = {
  writable: null,
  encrypted: null,
  format: null,
  objects: null,
  usedBytes: null,
  freeBytes: null,
  growthBytesPerDay: null,
  daysUntilFull: null,
  backups: null,
  oldestBackup: null,
  newestBackup: null,
  createdAt: null,
  encryption: null,
  conditionalCreate: null,
  kinds: null,
  curve: null,
  clusters: null,
} as const;

function figures({ objects, usedBytes, freeBytes, growthBytesPerDay, daysUntilFull, writeProblem }: RepositoryUsage) {
  return {
    writable: writeProblem === undefined,
    objects,
    usedBytes,
    freeBytes: freeBytes ?? null,
    growthBytesPerDay: growthBytesPerDay === undefined ? null : Math.round(growthBytesPerDay),
    daysUntilFull: daysUntilFull ?? null,
  };
}

function row(each: Listed): readonly string[] {
  const bytes = (value: number | null): string => (value === null ? '' : formatBytes(value));
  const moment = (value: string | null): string => (value === null ? '' : formatMoment(new Date(value)));
  const state = !each.reachable ? 'unreachable' : each.writable === true ? 'ok' : 'read only';
  const full = each.daysUntilFull === null ? '' : `${each.daysUntilFull} d`;
  const encrypted = each.encrypted === null ? '' : each.encrypted ? 'yes' : 'no';
  return [
    each.name,
    each.place,
    state,
    encrypted,
    bytes(each.usedBytes),
    bytes(each.freeBytes),
    bytes(each.growthBytesPerDay),
    full,
    moment(each.oldestBackup),
    moment(each.newestBackup),
  ];
}

function placeOf(place: RepositoryConfig): string {
  return place.type === 'disk' ? place.path : `s3://${place.bucket}${place.prefix === '' ? '' : `/${place.prefix}`}`;
}
