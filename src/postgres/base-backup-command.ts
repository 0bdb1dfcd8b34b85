import { DbadminError } from '../base/errors.ts';
import { quoteReplicationLiteral } from './quote.ts';

/** What a base backup is to be. */
export interface BaseBackupOptions {
  /** Goes into backup_label. */
  readonly label: string;
  /** Checkpoint at once instead of spread over checkpoint_completion_target. */
  readonly fastCheckpoint: boolean;
  /** The most that the server sends, in kB a second: 32 to 1048576. */
  readonly maxRateKb?: number | undefined;
  /** Whether the server checks the checksums of the pages it reads (where the cluster has them). */
  readonly verifyChecksums: boolean;
  /** The algorithm of the files' checksums in backup_manifest. */
  readonly manifestChecksums: 'CRC32C' | 'SHA256';
  /** Only what changed since the backup whose manifest was uploaded on this connection; 17 and newer. */
  readonly incremental?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** What PostgreSQL takes as MAX_RATE, in kB of 1024 bytes a second. */
export const MIN_RATE_KB = 32;
export const MAX_RATE_KB = 1_048_576;

/**
 * The BASE_BACKUP command in the grammar of `major`: until 14 words in a fixed order, from 15 on a list in parentheses.
 * It never waits for the archiver: the caller proves itself that the WAL is kept. Without a tablespace map the archive holds
 * the links of pg_tblspc, and a restore that places them elsewhere changes no file that backup_manifest vouches for.
 */
export function baseBackupCommand(major: number, options: BaseBackupOptions): string {
  const { maxRateKb } = options;
  if (maxRateKb !== undefined && !(Number.isInteger(maxRateKb) && maxRateKb >= MIN_RATE_KB && maxRateKb <= MAX_RATE_KB)) {
    throw new DbadminError('config-invalid', `a base backup cannot be limited to ${maxRateKb} kB/s`, {
      hint: 'Give a whole number from 32 to 1048576.',
    });
  }
  const label = quoteReplicationLiteral(options.label);
  if (major < 15) {
    return [
      `BASE_BACKUP LABEL ${label} PROGRESS`,
      options.fastCheckpoint ? 'FAST' : '',
      'NOWAIT',
      maxRateKb === undefined ? '' : `MAX_RATE ${maxRateKb}`,
      options.verifyChecksums ? '' : 'NOVERIFY_CHECKSUMS',
      `MANIFEST 'yes' MANIFEST_CHECKSUMS '${options.manifestChecksums}'`,
    ]
      .filter((word) => word !== '')
      .join(' ');
  }
  return `BASE_BACKUP (${[
    `LABEL ${label}`,
    'PROGRESS true',
    `CHECKPOINT '${options.fastCheckpoint ? 'fast' : 'spread'}'`,
    ...(options.incremental === true ? ['INCREMENTAL true'] : []),
    'WAL false',
    'WAIT false',
    ...(maxRateKb === undefined ? [] : [`MAX_RATE ${maxRateKb}`]),
    `VERIFY_CHECKSUMS ${options.verifyChecksums}`,
    "MANIFEST 'yes'",
    `MANIFEST_CHECKSUMS '${options.manifestChecksums}'`,
  ].join(', ')})`;
}
