import { isDbadminError } from '../base/errors.ts';
import { formatLsn, parseLsn } from '../postgres/lsn.ts';
import { damaged, seal, unseal, type Unsealed } from './envelope.ts';
import { letGoKey, letGoPrefix, timelineAndLsnIn } from './layout.ts';
import { readOr } from './passed-over.ts';
import type { Repository } from './repository.ts';

/**
 * What retention let go of: by timeline, the position before which it keeps no WAL but what lies between start and stop of a backup. It
 * explains what is absent there; what is stored is stored. @see FORMAT.md "WAL let go"
 */
export type LetGo = ReadonlyMap<number, bigint>;

const MAX_BYTES = 4096;

interface Noted {
  readonly key: string;
  readonly timeline: number;
  readonly lsn: bigint;
}

/** What is noted of a lineage. A record that cannot be read, or is not the one that belongs under its key, explains nothing. */
export async function readLetGo(repository: Reading, systemIdentifier: string): Promise<LetGo> {
  return furthest(await listNoted(repository, systemIdentifier));
}

/** Notes it, where it goes further than what is noted, in the place of that. To be called before the WAL is deleted, by whoever holds the lease. */
export async function noteLetGo(
  repository: Repository,
  systemIdentifier: string,
  letGo: LetGo,
  { now, remove }: { readonly now: Date; readonly remove: (key: string) => Promise<unknown> },
): Promise<void> {
  const noted = await listNoted(repository, systemIdentifier);
  const before = furthest(noted);
  for (const [timeline, lsn] of letGo) {
    if (lsn <= (before.get(timeline) ?? 0n)) continue;
    const header = { systemIdentifier, timeline, lsn: formatLsn(lsn), notedAt: now.toISOString() };
    try {
      // Without a body nothing would prove where there is a key that somebody who has it wrote the record.
      const sealed = await seal(repository, 'gap', header, Buffer.from('{}'));
      await repository.store.create(letGoKey(systemIdentifier, timeline, lsn), sealed);
    } catch (error) {
      // One that could not be read.
      if (!isDbadminError(error, 'storage-exists')) throw error;
      continue;
    }
    for (const older of noted) if (older.timeline === timeline && older.lsn < lsn) await remove(older.key);
  }
}

/** Asks of a record whether it is the one that belongs under its key. @throws {DbadminError} `repository-damaged`, `lsn-invalid`. */
export function requireLetGoAt({ header, body }: Unsealed, key: string): void {
  const its = letGoKey(String(header['systemIdentifier']), Number(header['timeline']), parseLsn(String(header['lsn'])));
  if (its !== key) throw damaged(key, `It is the record that belongs under ${its}.`);
  if (body.byteLength === 0) throw damaged(key, 'It has no body, which would prove who wrote it.');
}

type Reading = Pick<Repository, 'store' | 'keys' | 'onDamaged'>;

async function listNoted(repository: Reading, systemIdentifier: string): Promise<readonly Noted[]> {
  const noted: Noted[] = [];
  const prefix = letGoPrefix(systemIdentifier);
  for await (const { key } of repository.store.list(prefix)) {
    const place = timelineAndLsnIn(key.slice(prefix.length));
    if (place === undefined) continue;
    const isRead = await readOr(repository, key, [], async () => {
      requireLetGoAt(await unseal(repository, 'gap', await repository.store.read(key), key, MAX_BYTES), key);
      return true;
    });
    if (isRead === true) noted.push({ key, ...place });
  }
  return noted;
}

function furthest(noted: readonly Noted[]): LetGo {
  const letGo = new Map<number, bigint>();
  for (const { timeline, lsn } of noted) if (lsn > (letGo.get(timeline) ?? 0n)) letGo.set(timeline, lsn);
  return letGo;
}
