import type { CopyEncoding } from './copy-encoding.ts';
import type { TableDefinition } from './definition.ts';

/** `table.json` of an exported table; `rows.csv` lies beside it. Written last: without it there is no export. */
export interface ExportedTable {
  readonly format: 1;
  readonly table: TableDefinition;
  readonly rows: number;
  /** Of rows.csv, hex: any machine can check it. */
  readonly sha256: string;
  readonly sizeBytes: number;
  /** How the session was set that wrote the values; missing in exports from before, whose session was as its role and database had it. */
  readonly textSettings?: Readonly<Record<string, string>>;
  /** Of rows.csv; missing in exports from before, which are in UTF-8. */
  readonly encoding?: CopyEncoding;
  readonly exportedAt: string;
  /** `server_version_num`. */
  readonly serverVersion: number;
  readonly tool: string;
}

export const EXPORT_MANIFEST = 'table.json';
export const EXPORT_ROWS = 'rows.csv';
