import { link, open, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, isDbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { makeDirectories } from '../../base/make-directories.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { describeChange } from '../describe.ts';
import { parseRolesDocument } from '../document/parse.ts';
import { inspectRoles } from '../inspect.ts';
import { planRoles } from '../plan.ts';

/** What the plan of a file still has to do: nothing, for a file that says what is. Each a line of `roles plan`. */
export async function differencesOf(text: string, file: string, connection: ConnectionParameters, now: Date): Promise<readonly string[]> {
  const document = parseRolesDocument(text, file);
  const observed = await inspectRoles(document, connection, { env: {}, directory: path.dirname(file) });
  try {
    return planRoles(document, observed, now).changes.map((change) => {
      const { risk, subject, sign, text: what, remark } = describeChange(change);
      return `${risk} ${subject} ${sign} ${what}${remark === '' ? '' : ` (${remark})`}`;
    });
  } catch (error) {
    // What the plan refuses is a difference like others: the file and the cluster do not say the same.
    if (isDbadminError(error, 'roles-invalid')) return (error.detail ?? error.message).split('\n');
    throw error;
  }
}

const MAX_SHOWN = 20;

/**
 * Refuses a file whose plan is not empty.
 *
 * @throws {DbadminError} `import-inexact`.
 */
export function refuseInexact(differences: readonly string[]): void {
  if (differences.length === 0) return;
  const more = differences.length > MAX_SHOWN ? [`and ${differences.length - MAX_SHOWN} more`] : [];
  const count = `${differences.length} difference${differences.length === 1 ? '' : 's'}`;
  throw new DbadminError('import-inexact', `the imported file does not say exactly what is there: ${count}`, {
    detail: [...differences.slice(0, MAX_SHOWN), ...more].join('\n'),
    hint: 'Nothing was written. If another session is changing roles, try again; to have the file and these differences, give --draft.',
  });
}

/**
 * Refuses early, before a server is asked, what {@link writeRolesFile} would refuse.
 *
 * @throws {DbadminError} `refused` when there is such a file.
 */
export async function refuseExisting(file: string): Promise<void> {
  if ((await stat(file).catch(() => undefined)) !== undefined) throw thereAlready(file);
}

function thereAlready(file: string): DbadminError {
  return new DbadminError('refused', `${file} is there already`, {
    hint: 'Name another with --out, look at the differences with `dbadmin roles plan`, or replace it with --overwrite.',
  });
}

/**
 * Writes the file beside its place and puts it there when it is whole.
 *
 * @throws {DbadminError} `refused` when there is one already and `overwrite` is false; `file-unwritable`.
 */
export async function writeRolesFile(file: string, text: string, overwrite: boolean): Promise<void> {
  const beside = `${file}.${process.pid}.tmp`;
  try {
    await makeDirectories(path.dirname(file));
    const handle = await open(beside, 'wx', 0o644);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    // A link, unlike a rename, does not take the place of a file that is there.
    await (overwrite ? rename : link)(beside, file);
    await rm(beside, { force: true });
  } catch (error) {
    await rm(beside, { force: true });
    if (systemCodeOf(error) === 'EEXIST' && !overwrite) throw thereAlready(file);
    throw new DbadminError('file-unwritable', `cannot write ${file}`, { detail: messageOf(error), cause: error });
  }
}
