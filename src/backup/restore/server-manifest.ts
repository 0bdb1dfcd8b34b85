import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { DbadminError } from '../../base/errors.ts';

/**
 * The text of a server's `backup_manifest` with the files of `changed` as they are now: listed where they were not, their
 * line replaced where they were, without checksums of their own; and its own checksum made anew.
 *
 * The text is edited and not parsed: it can be larger than what JSON.parse takes, and the checksum covers its very bytes.
 *
 * @see https://www.postgresql.org/docs/current/backup-manifest-format.html
 */
export async function serverManifestWith(file: string, changed: ReadonlyMap<string, string>): Promise<string> {
  let text = await readFile(file, 'utf8');
  if (!text.includes('"Files": [') || !text.includes('"Manifest-Checksum"'))
    throw new DbadminError('restore-failed', `${file} is not a backup manifest`);
  const added: string[] = [];
  for (const [path, content] of changed) {
    const entry = `{ "Path": ${JSON.stringify(path)}, "Size": ${Buffer.byteLength(content)}, "Last-Modified": "1970-01-01 00:00:00 GMT" }`;
    const old = `{ "Path": ${JSON.stringify(path)},`;
    const at = text.indexOf(old);
    if (at < 0) added.push(entry);
    else text = `${text.slice(0, at)}${entry}${text.slice(text.indexOf('}', at) + 1)}`;
  }
  const at = text.indexOf('"Files": [') + '"Files": ['.length;
  const end = text.lastIndexOf('"Manifest-Checksum"');
  const isEmpty = /^\s*\]/.test(text.slice(at, at + 100));
  const head = added.length === 0 ? text.slice(0, at) : `${text.slice(0, at)}\n${added.join(',\n')}${isEmpty ? '' : ','}`;
  const body = `${head}${text.slice(at, end)}`;
  return `${body}"Manifest-Checksum": "${createHash('sha256').update(body, 'utf8').digest('hex')}"}\n`;
}
