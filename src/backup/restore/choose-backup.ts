import { DbadminError, isDbadminError } from '../../base/errors.ts';
import { howToAcknowledge } from '../../repository/differing-pages.ts';
import { backupKey } from '../../repository/layout.ts';
import type { BackupSummary } from '../../repository/manifest.ts';
import type { LineageContents } from '../lineage-inspect.ts';
import { describeSuspicion } from '../suspicion.ts';
import type { BrokenBackups } from '../broken.ts';
import type { Resolution } from './resolve.ts';
import type { RestoreTarget } from './target.ts';

/** Which backup may be restored from. */
export interface BackupWish {
  readonly target: RestoreTarget;
  /** The only one that will do; also when it is suspect. */
  readonly backup: string | undefined;
  /** Whether a suspect one will do where no other reaches the target. */
  readonly acceptsSuspect: boolean;
  /** Those that do not restore whole, and for which another may stand in. */
  readonly broken: BrokenBackups;
}

type Resolve = (backups: readonly BackupSummary[]) => Promise<Resolution>;

/**
 * The way to the target from a backup that no verification found broken, though an older one may need more WAL; where none such leads to it,
 * from a broken one, of which most files are there.
 *
 * @throws {DbadminError} as {@link resolveFromTrusted}.
 */
export async function resolveFromWhole(contents: LineageContents, wish: BackupWish, resolve: Resolve): Promise<Resolution> {
  const ofAll = async (): Promise<Resolution> => await resolveFromTrusted(contents, wish, resolve);
  const whole = contents.backups.filter(({ label }) => !wish.broken.has(label));
  // The end of a backup is another place from another backup.
  if (wish.backup !== undefined || wish.target.kind === 'immediate' || whole.length === contents.backups.length) return await ofAll();
  let found: Resolution;
  try {
    found = await resolveFromTrusted({ ...contents, backups: whole }, wish, resolve);
  } catch (error) {
    // A manifest that is damaged is passed over by whoever asks again; anything else, such as damaged WAL before the broken one, leaves that alone.
    if (!(error instanceof DbadminError) || isOfManifest(error, contents)) throw error;
    return await ofAll();
  }
  if (wish.target.kind === 'time' || wish.target.kind === 'lsn') return found;
  // Where WAL is missing in between, an older backup ends before a newer one begins, and what is behind that may have the same name or number.
  const any = await ofAll();
  return found.neededUntil >= any.neededUntil ? found : any;
}

function isOfManifest(error: DbadminError, { cluster }: LineageContents): boolean {
  return isDbadminError(error, 'repository-damaged') && error.message.startsWith(backupKey(cluster.systemIdentifier, ''));
}

/**
 * The way to the target from a backup that no audit casts doubt on, though an older one may need more WAL; from a suspect one
 * only where that was said.
 *
 * @throws {DbadminError} `refused` when only suspect ones reach it, `backup-missing` when there is no backup of the label, and what `resolve` throws.
 */
async function resolveFromTrusted(contents: LineageContents, wish: BackupWish, resolve: Resolve): Promise<Resolution> {
  const { backups, suspicions } = contents;
  if (wish.backup !== undefined) return await resolve(only(contents, wish.backup));
  const trusted = backups.filter(({ label }) => !suspicions.byLabel.has(label));
  if (trusted.length === backups.length) return await resolve(backups);
  const found = await resolveWith(trusted, resolve);
  // The end of a backup, or of the WAL that it reaches, is another place from another backup.
  const endsAnywhere = wish.target.kind === 'immediate' || wish.target.kind === 'latest';
  if (found !== undefined && !endsAnywhere) return found;
  const newest = await resolve(backups);
  const suspicion = suspicions.byLabel.get(newest.backup.label);
  if (suspicion === undefined) return newest;
  if (found !== undefined && wish.target.kind === 'latest' && found.neededUntil >= newest.neededUntil) return found;
  if (wish.acceptsSuspect) return newest;
  throw new DbadminError('refused', `only a suspect backup reaches this target: ${newest.backup.label}`, {
    detail: describeSuspicion(suspicion),
    hint: `${howToAcknowledge(suspicion.audit, suspicion)} To restore from it as it is: --accept-suspect, or --backup with the label of any.`,
  });
}

async function resolveWith(backups: readonly BackupSummary[], resolve: Resolve): Promise<Resolution | undefined> {
  if (backups.length === 0) return undefined;
  try {
    return await resolve(backups);
  } catch (error) {
    if (isDbadminError(error, 'target-unreachable') || isDbadminError(error, 'backup-missing')) return undefined;
    throw error;
  }
}

function only({ backups, damaged }: LineageContents, label: string): readonly BackupSummary[] {
  const chosen = backups.filter((backup) => backup.label === label);
  if (chosen.length > 0) return chosen;
  const unreadable = damaged.find(({ key }) => key.endsWith(`/${label}`));
  if (unreadable !== undefined) throw unreadable.error;
  throw absentBackup(label);
}

export function absentBackup(label: string): DbadminError {
  return new DbadminError('backup-missing', `there is no backup ${label}`, { hint: 'See dbadmin backup list for the labels.' });
}
