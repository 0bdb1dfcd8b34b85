import { DbadminError } from '../../base/errors.ts';
import { foldName } from '../../postgres/quote.ts';

/** A table of one database, as SQL names it. */
export interface TableName {
  readonly schema: string;
  readonly table: string;
}

const FORM = /^(?:"((?:[^"]|"")+)"|([^."\s]+))\.(?:"((?:[^"]|"")+)"|([^."\s]+))$/;

/**
 * The table that a text such as `core.play` or `"My Schema"."T"` names. As in SQL, A to Z are taken as small ones unless quoted.
 *
 * @throws {DbadminError} `usage` when it has another form.
 */
export function parseTableName(text: string): TableName {
  const match = FORM.exec(text.trim());
  if (match === null) {
    throw new DbadminError('usage', `"${text}" is not a table with its schema`, { hint: 'Write schema.table, such as core.play.' });
  }
  const part = (quoted: string | undefined, plain: string | undefined): string => quoted?.replaceAll('""', '"') ?? foldName(plain ?? '');
  return { schema: part(match[1], match[2]), table: part(match[3], match[4]) };
}

/** For messages: `core.play`. */
export function formatTableName({ schema, table }: TableName): string {
  return [schema, table].map((part) => (/^[a-z_][a-z0-9_$]*$/.test(part) ? part : `"${part.replaceAll('"', '""')}"`)).join('.');
}
