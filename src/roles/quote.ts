import { DbadminError } from '../base/errors.ts';
import { nameProblem } from './document/names.ts';

/** An identifier in double quotes, always: a name may be a keyword, hold quotes or look like SQL. */
export function quoteIdentifier(name: string): string {
  const wrong = nameProblem(name);
  if (wrong !== undefined) throw new DbadminError('roles-invalid', wrong);
  return `"${name.replaceAll('"', '""')}"`;
}

/** A string literal, right whatever `standard_conforming_strings` is. */
export function quoteLiteral(text: string): string {
  if (text.includes('\0')) throw new DbadminError('roles-invalid', 'a text for the server may not hold a NUL character');
  const quoted = `'${text.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`;
  return text.includes('\\') ? `E${quoted}` : quoted;
}

/** `body` as a DO statement, in dollar quotes that nothing inside of it can close. */
export function doStatement(body: string): string {
  let tag = '$dbadmin$';
  for (let count = 1; body.includes(tag); count += 1) tag = `$dbadmin${count}$`;
  return `DO ${tag} ${body} ${tag}`;
}
