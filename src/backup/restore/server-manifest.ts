import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { DbadminError } from '../../base/errors.ts';

/**
 * The text of a server's `backup_manifest` with the files of `added` listed too, without checksums of their own, and its
 * own checksum made anew.
 *
 * The text is edited and not parsed: it can be larger than what JSON.parse takes, and the checksum covers its very bytes.
 *
 * @see https://www.postgresql.org/docs/current/backup-manifest-format.html
 */
export async function serverManifestWith(file: string, added: ReadonlyMap<string, string>): Promise<string> {
  const text = await readFile(file, 'utf8');
  const open = text.indexOf('"Files": [');
  const end = text.lastIndexOf('"Manifest-Checksum"');
  if (open < 0 || end < 0) throw new DbadminError('restore-failed', `${file} is not a backup manifest`);
  const at = open + '"Files": ['.length;
  const lines = [...added].map(
    ([path, content]) =>
      `{ "Path": ${JSON.stringify(path)}, "Size": ${Buffer.byteLength(content)}, "Last-Modified": "1970-01-01 00:00:00 GMT" }`,
  );
  const isEmpty = /^\s*\]/.test(text.slice(at, at + 100));
  const body = `${text.slice(0, at)}\n${lines.join(',\n')}${isEmpty ? '' : ','}${text.slice(at, end)}`;
  return `${body}"Manifest-Checksum": "${createHash('sha256').update(body, 'utf8').digest('hex')}"}\n`;
}
