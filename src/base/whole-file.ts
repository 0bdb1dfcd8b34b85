import { open, rename, rm } from 'node:fs/promises';
import { DbadminError, messageOf } from './errors.ts';

/**
 * Writes a file that others may be reading: beside, synced, then renamed, so that it is the old one or the new one whole.
 *
 * @throws {DbadminError} `file-unwritable`; what was there stays.
 */
export async function writeWholeFile(file: string, text: string, mode: number, encoding: BufferEncoding = 'utf8'): Promise<void> {
  const beside = `${file}.${process.pid}`;
  try {
    const handle = await open(beside, 'w', mode);
    try {
      // The mode of an open is less the umask, and whoever reads this runs as somebody else.
      await handle.chmod(mode);
      await handle.writeFile(text, encoding);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true }).catch(() => undefined);
    throw new DbadminError('file-unwritable', `cannot write ${file}`, { detail: messageOf(error), cause: error });
  }
}
