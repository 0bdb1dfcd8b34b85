import { parseTableName } from '../../backup/table/definition.ts';
import type { TableName } from '../../backup/table/transfer-run.ts';
import { DbadminError } from '../../base/errors.ts';

/** @throws {DbadminError} `usage` when it is not a table with its schema. */
export function tableArgument(text: string): TableName {
  const table = parseTableName(text);
  if (table !== undefined) return table;
  throw new DbadminError('usage', `a table is named with its schema, not as "${text}"`, {
    hint: 'Write it like core.track or "Core"."Track".',
  });
}
