import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { DbadminError } from '../base/errors.ts';

/** One file of the application, ready to be sent. */
export interface Asset {
  readonly type: string;
  readonly body: Uint8Array<ArrayBuffer>;
  /** Compressed once, when the console starts. */
  readonly gzipped: Uint8Array<ArrayBuffer>;
  /** Its name has a digest of what is in it: it may be kept for ever. */
  readonly isNamedByContent: boolean;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/**
 * The files of the application by the path they are asked for, `/index.html` among them. All are in memory: a request names
 * one of these or gets nothing, whatever it writes in its path.
 *
 * @throws {DbadminError} `file-unreadable` when it was not built.
 */
export async function readAssets(directory: string): Promise<ReadonlyMap<string, Asset>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  const assets = new Map<string, Asset>();
  for (const entry of entries) {
    const type = TYPES[path.extname(entry.name)];
    if (!entry.isFile() || type === undefined) continue;
    const file = path.join(entry.parentPath, entry.name);
    const body = new Uint8Array(await readFile(file));
    const name = `/${path.relative(directory, file).split(path.sep).join('/')}`;
    assets.set(name, { type, body, gzipped: new Uint8Array(gzipSync(body)), isNamedByContent: /-[\w-]{8,}\.\w+$/.test(name) });
  }
  if (assets.has('/index.html')) return assets;
  throw new DbadminError('file-unreadable', `the application of the console is not in ${directory}`, {
    hint: 'In a clone: npm run build. Else install dbadmin again.',
  });
}
