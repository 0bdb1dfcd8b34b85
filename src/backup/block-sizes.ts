import { DbadminError } from '../base/errors.ts';

/** Of a server: chosen when it was built, by `./configure --with-blocksize` and `--with-wal-blocksize`. */
export interface BlockSizes {
  readonly blockBytes: number;
  readonly walBlockBytes: number;
}

/** What PostgreSQL is built with unless somebody asks for something else, all packages included. */
const USUAL_BYTES = 8192;

/**
 * Refuses a server whose pages of data or WAL have another size than the usual one: hashes of pages, the images in the WAL and all that is
 * read out of WAL count on it, and no such server was there to try it on.
 *
 * @throws {DbadminError} `server-unsupported`.
 */
export function refuseOtherBlocks({ blockBytes, walBlockBytes }: BlockSizes): void {
  const [setting, bytes] = blockBytes === USUAL_BYTES ? ['wal_block_size', walBlockBytes] : ['block_size', blockBytes];
  if (bytes === USUAL_BYTES) return;
  throw new DbadminError(
    'server-unsupported',
    `the server was built with ${setting} ${bytes}, and backups are for servers with ${USUAL_BYTES}`,
    {
      detail: 'It is chosen when PostgreSQL is compiled. Neither backups nor WAL of such a server were ever tried, so none are taken.',
      hint: 'Dumps of it work: dbadmin backup dump.',
    },
  );
}
