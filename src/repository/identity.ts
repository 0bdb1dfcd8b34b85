import { DbadminError, isDbadminError } from '../base/errors.ts';
import type { ObjectStore } from '../storage/store.ts';
import type { Repository } from './repository.ts';
import { damaged, seal, unseal } from './envelope.ts';
import { CLEAR } from './keys.ts';
import { CLUSTER_PREFIX, clusterKey, IDENTITY_KEY, kindOfKey } from './layout.ts';
import { explainDamaged, explainMissing } from './lost-identity.ts';
import { readOr, type DamagedObject } from './passed-over.ts';
import { problemOfCluster } from './summary-check.ts';

/** The format of repositories made by this version. */
export const FORMAT = 2;
/** The formats this version reads, and writes as they are: a repository keeps the format it was made with. */
const KNOWN_FORMATS: readonly unknown[] = [1, 2];

const MEBIBYTE = 1024 * 1024;

/** What a repository says of itself. @see FORMAT.md "Identity" */
export interface RepositoryIdentity {
  readonly format: number;
  /** 32 hex digits. */
  readonly id: string;
  readonly createdAt: string;
  readonly tool: string;
  readonly encryption: 'none' | 'aes-256-gcm';
  readonly conditionalCreate: boolean;
  /** Which repository key its content is encrypted with; absent without encryption. */
  readonly keyCheck?: string;
}

/** What a lineage is: which cluster wrote it. */
export interface ClusterIdentity {
  readonly systemIdentifier: string;
  /** The cluster's name in the configuration that wrote it first. */
  readonly name: string;
  readonly serverVersion: number;
  readonly walSegmentBytes: number;
}

/**
 * Makes `store` a repository.
 *
 * @throws {DbadminError} `storage-exists` when it is one already.
 */
export async function createRepository(store: ObjectStore, identity: RepositoryIdentity): Promise<void> {
  await store.create(IDENTITY_KEY, await seal(CLEAR, 'identity', identity, Buffer.alloc(0)));
}

/**
 * The identity of the repository in `store`: the proof that it is there, mounted and readable.
 *
 * @throws {DbadminError} `repository-missing` when there is none or it is lost, `repository-format` when it is of another format.
 */
export async function readIdentity(store: ObjectStore): Promise<RepositoryIdentity> {
  return understandIdentity(await readIdentityHeader(store), store.description);
}

/** @throws {DbadminError} `repository-format` when this version does not know what the header of an identity says. */
export function understandIdentity(header: Readonly<Record<string, unknown>>, description: string): RepositoryIdentity {
  if (!KNOWN_FORMATS.includes(header['format'])) {
    throw new DbadminError(
      'repository-format',
      `the repository in ${description} has format ${String(header['format'])}, and this dbadmin knows ${KNOWN_FORMATS.join(' and ')}`,
      { hint: 'Use the version of dbadmin that wrote it, or a newer one.' },
    );
  }
  const encryption = header['encryption'];
  if (encryption !== 'none' && encryption !== 'aes-256-gcm') {
    throw new DbadminError(
      'repository-format',
      `the repository in ${description} is encrypted with ${String(encryption)}, which this dbadmin does not know`,
      { hint: 'Use the version of dbadmin that wrote it, or a newer one.' },
    );
  }
  return header as unknown as RepositoryIdentity;
}

async function readIdentityHeader(store: ObjectStore): Promise<Readonly<Record<string, unknown>>> {
  let bytes: Uint8Array;
  try {
    bytes = await store.read(IDENTITY_KEY);
  } catch (error) {
    if (!isDbadminError(error, 'storage-missing')) throw error;
    throw await explainMissing(store, error);
  }
  try {
    return (await unseal(CLEAR, 'identity', bytes, IDENTITY_KEY, 1024)).header;
  } catch (error) {
    throw explainDamaged(store, bytes, error);
  }
}

/**
 * Writes down which cluster a lineage belongs to, when nobody has. What is written there and cannot be read is replaced where the
 * store allows it: all that it said is in `identity`.
 */
export async function ensureClusterIdentity(repository: Repository, identity: ClusterIdentity): Promise<void> {
  const { store } = repository;
  const key = clusterKey(identity.systemIdentifier);
  try {
    if ((await store.stat(key)) !== undefined) {
      const noted: DamagedObject[] = [];
      await readOr(repository, key, noted, async () => await readCluster(repository, key));
      if (noted[0]?.error.code !== 'repository-damaged' || !(await isDeleted(store, key))) return;
    }
    await store.create(key, await seal(CLEAR, 'cluster', identity, Buffer.alloc(0)));
  } catch (error) {
    if (!isDbadminError(error, 'storage-exists')) throw error;
  }
}

/**
 * {@link ensureClusterIdentity} for who is about to write WAL: one that is there with segments of another size is refused. Their names stand for
 * other positions, and a restore goes by the size that is written down: none would find what was added.
 *
 * @throws {DbadminError} `refused`.
 */
export async function ensureSameSegments(repository: Repository, identity: ClusterIdentity): Promise<void> {
  await ensureClusterIdentity(repository, identity);
  await refuseOtherSegments(repository, identity);
}

/** The same of who only wants to know, and writes nothing. @throws {DbadminError} as {@link ensureSameSegments}. */
export async function refuseOtherSegments(
  repository: Repository,
  { systemIdentifier, name, walSegmentBytes }: Pick<ClusterIdentity, 'systemIdentifier' | 'name' | 'walSegmentBytes'>,
): Promise<void> {
  if (!(await knowsCluster(repository, systemIdentifier))) return;
  const key = clusterKey(systemIdentifier);
  const known = await readOr(repository, key, [], async () => await readCluster(repository, key));
  if (known === undefined || known.walSegmentBytes === walSegmentBytes) return;
  throw new DbadminError(
    'refused',
    `cluster ${name} has WAL segments of ${walSegmentBytes / MEBIBYTE} MiB, and those in the repository have ${known.walSegmentBytes / MEBIBYTE} MiB`,
    {
      detail: `${repository.store.description} knows it with the size from before pg_resetwal --wal-segsize: what was stored there now could not be restored.`,
      hint: 'Make another repository for it (dbadmin backup init) and take a full backup there; keep this one for as long as you may want what was before.',
    },
  );
}

/** Whether anything of the cluster was ever written here, or is about to be: {@link ensureClusterIdentity} comes first. */
export async function knowsCluster({ store }: Repository, systemIdentifier: string): Promise<boolean> {
  return (await store.stat(clusterKey(systemIdentifier))) !== undefined;
}

/**
 * The first lineage of which anything lies here, whether anything says which cluster it is of or not; of those whose identifiers begin with
 * `beginning`. A directory of digits with nothing in it that the format knows is somebody's own.
 */
export async function firstLineage({ store }: Repository, beginning = ''): Promise<string | undefined> {
  for await (const { key } of store.list(beginning)) {
    const { kind, systemIdentifier } = kindOfKey(key);
    if (systemIdentifier !== undefined && kind !== 'other') return systemIdentifier;
    // Digits come before the letters that all other keys begin with: those may be many.
    if (key > ':') return undefined;
  }
  return undefined;
}

/**
 * Whether a lineage besides `known` lies here: the first one. Asked by how its identifier can begin where it is another, which are some hundred
 * short listings: what lies in a large lineage is not listed, and who fetches WAL asks for each segment.
 */
export async function otherLineage(repository: Repository, known: string): Promise<string | undefined> {
  const first = await firstLineage(repository);
  if (first !== known) return first;
  const digits = Array.from('0123456789');
  // All others come after it.
  const differing = Array.from(known).flatMap((digit, at) =>
    digits.filter((each) => each > digit).map((each) => known.slice(0, at) + each),
  );
  const beginnings = [...differing, ...digits.map((each) => known + each)];
  const found = await Promise.all(beginnings.map(async (beginning) => await firstLineage(repository, beginning)));
  return found.filter((each) => each !== undefined).sort()[0];
}

/** Deletes it where that is allowed: a writer may not everywhere, and a lock forbids it. */
async function isDeleted(store: ObjectStore, key: string): Promise<boolean> {
  try {
    await store.delete(key);
    return true;
  } catch (error) {
    if (isDbadminError(error, 'storage-denied') || isDbadminError(error, 'storage-locked')) return false;
    throw error;
  }
}

/** The lineages in the repository that say which cluster they are of; the repository's `onDamaged` is told of the others. */
export async function listClusters(repository: Repository): Promise<readonly ClusterIdentity[]> {
  return (await inspectClusters(repository)).clusters;
}

/** The same, with the objects that cannot be read: each hides the name of its lineage, and no other lineage. */
export async function inspectClusters(
  repository: Repository,
): Promise<{ readonly clusters: readonly ClusterIdentity[]; readonly damaged: readonly DamagedObject[] }> {
  const clusters: ClusterIdentity[] = [];
  const found: DamagedObject[] = [];
  for await (const { key } of repository.store.list(CLUSTER_PREFIX)) {
    const cluster = await readOr(repository, key, found, async () => await readCluster(repository, key));
    if (cluster !== undefined) clusters.push(cluster);
  }
  return { clusters, damaged: found };
}

async function readCluster({ store }: Repository, key: string): Promise<ClusterIdentity> {
  const { header } = await unseal(CLEAR, 'cluster', await store.read(key), key, 1024);
  const problem = problemOfCluster(header, key.slice(CLUSTER_PREFIX.length));
  if (problem !== undefined) throw damaged(key, problem);
  return header as unknown as ClusterIdentity;
}
