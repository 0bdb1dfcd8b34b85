import path from 'node:path';
import { shellWord } from '../base/shell-word.ts';
import type { ServerPrograms } from './server.ts';

/** What is known of the programs of a cluster's major: without a directory those of the PATH are meant. */
export interface KnownPrograms {
  readonly binDirectory: string | undefined;
  readonly runAs: ServerPrograms['runAs'];
}

/**
 * The line of sh by which somebody does `action` to a cluster, as `stop -m fast`: with the pg_ctl of its major, which Debian has in no
 * PATH, and as the user who owns it, since pg_ctl refuses root.
 */
export function pgCtlLine({ binDirectory, runAs }: KnownPrograms, dataDirectory: string, action: string): string {
  const user = runAs === undefined ? '' : `runuser -u ${shellWord(runAs.name)} -- `;
  const program = binDirectory === undefined ? 'pg_ctl' : shellWord(path.join(binDirectory, 'pg_ctl'));
  return `${user}${program} -D ${shellWord(dataDirectory)} ${action}`;
}
