import type { TableDefinition } from './definition.ts';

/** `table.json` of an exported table; `rows.csv` lies beside it. Written last: without it there is no export. */
export interface ExportedTable {
  readonly format: 1;
  readonly table: TableDefinition;
  readonly rows: number;
  /** Of rows.csv, hex: any machine can check it. */
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly exportedAt: string;
  /** `server_version_num`. */
  readonly serverVersion: number;
  readonly tool: string;
}

export const EXPORT_MANIFEST = 'table.json';
export const EXPORT_ROWS = 'rows.csv';
