import { existsSync } from 'node:fs';
import { DbadminError } from './errors.ts';

/** The directory that dbadmin lies in, with `package.json` and `bin`; ends in a slash. */
export const INSTALLED_IN: URL = findRoot(new URL('./', import.meta.url));

/** Upwards: in a clone this file lies deeper than in the package, where files are bundled. */
function findRoot(directory: URL): URL {
  if (existsSync(new URL('bin/dbadmin.cjs', directory))) return directory;
  const above = new URL('../', directory);
  if (above.href === directory.href) throw new DbadminError('internal', 'dbadmin is not installed completely: bin/dbadmin.cjs is gone');
  return findRoot(above);
}
