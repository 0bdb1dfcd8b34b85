import { quoteIdentifier } from '../../postgres/quote.ts';
import type { Loss, TableName } from '../../migrate/undo/losses.ts';

/** `column core.play.device (DROP COLUMN)`. */
export function describeLoss(loss: Loss): string {
  return `${lossName(loss)} (${loss.by})`;
}

/** What is lost, as `--objects` names it: `table core.play`, `column core.play.device`, `rows of core.play`, `schema core`. */
export function lossName(loss: Loss): string {
  switch (loss.kind) {
    case 'schema':
      return `schema ${quoteIdentifier(loss.schema)}`;
    case 'table':
      return `table ${tableText(loss.table)}`;
    case 'column':
      return `column ${tableText(loss.table)}.${quoteIdentifier(loss.column)}`;
    case 'rows':
      return `rows of ${tableText(loss.table)}`;
  }
}

export function tableText({ schema, name }: TableName): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}
