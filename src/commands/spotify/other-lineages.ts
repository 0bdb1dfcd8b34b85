import { listMade, wentOn, type Made } from '../../backup/lineage-times-inspect.ts';
import { isDbadminError, messageOf } from '../../base/errors.ts';
import type { ClusterConfig, Config } from '../../config/config.ts';
import type { ClusterIdentity } from '../../repository/identity.ts';
import type { Repository } from '../../repository/repository.ts';

interface Counted {
  /** And dumps. */
  readonly backups: number;
  /** Manifests that cannot be read. */
  readonly unread: number;
  /** Of a neighbour: why nobody can say whether it went on beside the cluster. */
  readonly unsure: string | undefined;
}

/** Another lineage that may be the cluster's, as from before pg_upgrade: its rows may have come from there. */
export interface OtherLineage {
  readonly lineage: ClusterIdentity;
  readonly kind: Kind;
  readonly found: Counted | { readonly unasked: string };
}

/**
 * A namesake has a name that the cluster has, or had at the first backup of its server; a neighbour that of another cluster that backs up to the
 * repository; a stranger none of them. Nothing tells that the cluster did not have a stranger's name once: where it was renamed before
 * pg_upgrade, its new lineage began under the new name.
 */
type Kind = 'namesake' | 'neighbour' | 'stranger';

/** What they are seen from. */
interface OwnPlace {
  readonly config: Config;
  readonly cluster: ClusterConfig;
  /** The repository's name in dbadmin.yaml. */
  readonly place: string;
  readonly own: ClusterIdentity | undefined;
  /** When the cluster's server of now was there already. */
  readonly since: Date;
  readonly now: Date;
}

/**
 * Those of `clusters` that may be the cluster's besides its own. Each is counted by itself: what is wrong with one says nothing of the
 * others, and nothing of the own.
 *
 * A neighbour is another cluster's, and left out, where it went on beside the cluster. A configured name alone does not tell: a new cluster may
 * have got the name that this one had before a pg_upgrade.
 */
export async function inspectOthers(
  repository: Repository,
  clusters: readonly ClusterIdentity[],
  own: OwnPlace,
): Promise<readonly OtherLineage[]> {
  const others: OtherLineage[] = [];
  for (const lineage of clusters) {
    if (lineage.systemIdentifier === own.own?.systemIdentifier) continue;
    const kind = kindOf(lineage, own);
    try {
      const { made, damaged } = await listMade(repository, lineage.systemIdentifier, own.now);
      if (made.length + damaged.length === 0) continue;
      const { isBeside, unsure } = kind === 'neighbour' ? await askBeside(repository, lineage, made, own) : ELSEWHERE;
      if (!isBeside) others.push({ lineage, kind, found: { backups: made.length, unread: damaged.length, unsure } });
    } catch (error) {
      if (isDbadminError(error, 'interrupted')) throw error;
      others.push({ lineage, kind, found: { unasked: messageOf(error) } });
    }
  }
  return others;
}

interface Beside {
  readonly isBeside: boolean;
  readonly unsure: string | undefined;
}

const ELSEWHERE: Beside = { isBeside: false, unsure: undefined };

/** Whether a neighbour went on beside the cluster. Where that cannot be asked, what was counted already counts. */
async function askBeside(repository: Repository, lineage: ClusterIdentity, made: readonly Made[], own: OwnPlace): Promise<Beside> {
  try {
    return { isBeside: await wentOn(repository, lineage, made, own), unsure: undefined };
  } catch (error) {
    if (isDbadminError(error, 'interrupted')) throw error;
    return { isBeside: false, unsure: messageOf(error) };
  }
}

function kindOf({ name }: ClusterIdentity, { config, cluster, place, own }: OwnPlace): Kind {
  if (name === cluster.name) return 'namesake';
  if (config.clusters.get(name)?.repositories.includes(place) === true) return 'neighbour';
  // The repository keeps the name that was written first, whatever the cluster is called since.
  return name === own?.name ? 'namesake' : 'stranger';
}

/** How many backups and dumps they have. */
export function countOf(others: readonly OtherLineage[]): number {
  return others.reduce((sum, { found }) => sum + ('backups' in found ? found.backups : 0), 0);
}

/**
 * What is to be said of them to somebody of the cluster called `name`: a sentence for each kind, and one for each of which something could not be
 * asked. `hasOwn`: the neighbours were compared with its first backup, and not with the start of its server.
 */
export function sentencesOf(
  others: readonly OtherLineage[],
  { name, hasOwn }: { readonly name: string; readonly hasOwn: boolean },
): readonly string[] {
  const counted = (kind: Kind): readonly OtherLineage[] =>
    others.filter(({ kind: its, found }) => its === kind && 'backups' in found && found.backups > 0);
  const namesakes = counted('namesake');
  const isCalledSo = namesakes.every(({ lineage }) => lineage.name === name);
  const ofName = isCalledSo ? 'of the same name' : 'of a name that this one has or had';
  return [
    ...(namesakes.length === 0
      ? []
      : // No newer backup takes the place of a namesake's last one.
        [
          `${countOf(namesakes)} of another server ${ofName} (${list(namesakes, !isCalledSo)}) may hold the rows, too: ` +
            'no backup to come makes the last of them expire.',
        ]),
    ...conditional(
      counted('neighbour'),
      'of a name that another cluster in dbadmin.yaml has',
      hasOwn ? ', older than any of this one,' : ", older than the start of this one's server,",
    ),
    ...conditional(counted('stranger'), 'of a name that no other cluster in dbadmin.yaml has'),
    ...others.flatMap(wrongWith),
  ];
}

/** How many manifests cannot be read, and that nothing expires meanwhile. */
export function unreadManifests(count: number): string {
  return count === 1
    ? '1 manifest cannot be read, and while it is there no backup expires'
    : `${count} manifests cannot be read, and while they are there no backup expires`;
}

function wrongWith({ lineage, kind, found }: OtherLineage): readonly string[] {
  const its = kind === 'namesake' ? '' : ', if it is of this cluster before a pg_upgrade';
  if ('unasked' in found) {
    return [
      `What ${nameOf(lineage)} has could not be asked: ${found.unasked}. ` +
        'Backups there may hold the rows, too, if it is of this cluster before a pg_upgrade.',
    ];
  }
  const { unread, unsure } = found;
  return [
    ...(unread === 0 ? [] : [`Of ${nameOf(lineage)} ${unreadManifests(unread)}: what is there may hold the rows, too${its}.`]),
    ...(unsure === undefined ? [] : [`Whether ${nameOf(lineage)} went on beside this cluster could not be asked: ${unsure}.`]),
  ];
}

function conditional(lineages: readonly OtherLineage[], ofName: string, more = ''): readonly string[] {
  if (lineages.length === 0) return [];
  const which = `${countOf(lineages)} ${ofName} (${list(lineages)})${more}`;
  return [`${which} may hold the rows, too, if this cluster had it before a pg_upgrade: nothing tells when the last of them expires.`];
}

function list(of: readonly OtherLineage[], withName = true): string {
  return of.map(({ lineage }) => (withName ? nameOf(lineage) : lineage.systemIdentifier)).join(', ');
}

function nameOf({ name, systemIdentifier }: ClusterIdentity): string {
  return `${name} ${systemIdentifier}`;
}
