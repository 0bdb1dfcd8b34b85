import { DbadminError, isDbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import type { CopyRows } from './copy-rows.ts';

/** Why nothing of the file called `name` was kept, with the line where the server or a scanner names one. */
export function landingError(name: string, error: unknown, isAborted: boolean, rows: CopyRows | undefined): DbadminError {
  if (isAborted) {
    return new DbadminError('interrupted', `interrupted while loading ${name}`, { detail: 'Nothing of the file was kept.', cause: error });
  }
  if (isDbadminError(error)) {
    return new DbadminError(error.code, `${name}: ${error.message}`, {
      detail: ['Nothing of the file was kept.', error.detail].filter((part) => part !== undefined).join('\n'),
      hint: error.hint ?? 'Mend the line, or take it out, and load the file again.',
      cause: error,
    });
  }
  return notReady(error) ?? refusedByServer(name, error, rows);
}

function refusedByServer(name: string, error: unknown, rows: CopyRows | undefined): DbadminError {
  const where = typeof error === 'object' && error !== null && 'where' in error ? String(error.where) : '';
  const copyLine = /\bCOPY \w+, line (\d+)/.exec(where)?.[1];
  const bodyLine = /\bJSON data, line (\d+)/.exec(where)?.[1];
  const line = copyLine === undefined ? undefined : rows?.lineOf(Number(copyLine), bodyLine === undefined ? undefined : Number(bodyLine));
  const code = systemCodeOf(error);
  const place = line === undefined ? name : `${name}: line ${line}`;
  const said =
    code === '22P02' ? 'is not JSON' : code === '22P05' ? 'holds a character which no text of PostgreSQL can' : 'was refused by the server';
  const message = line === undefined || said.startsWith('was') ? `${place} was refused by the server` : `${place} ${said}`;
  return new DbadminError('load-failed', `${message}: ${messageOf(error)}`, {
    detail: ['Nothing of the file was kept.', where].filter((part) => part !== '').join('\n'),
    hint: 'Mend the line, or take it out, and load the file again.',
    cause: error,
  });
}

/** The server's refusal in our words, when the warehouse is not there or this role may not load into it. */
export function notReady(error: unknown): DbadminError | undefined {
  const code = systemCodeOf(error);
  if (code === '42P01' || code === '3F000') {
    return new DbadminError('load-failed', 'the database has no schema raw to load into', {
      hint: 'Create the warehouse first: dbadmin migrate.',
      cause: error,
    });
  }
  if (code === '42501') {
    return new DbadminError('privilege-missing', 'this role may not load', {
      detail: messageOf(error),
      hint: 'Connect as a member of warehouse_loader and warehouse_transformer: see roles/roles.yaml.',
      cause: error,
    });
  }
  return undefined;
}
