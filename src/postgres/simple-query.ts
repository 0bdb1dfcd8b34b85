import { BACKEND, parseColumns, parseRow, parseTag, type BackendMessage, type ResultSet } from './messages.ts';
import type { Wire } from './wire.ts';

interface OpenResult {
  columns: string[];
  rows: (string | undefined)[][];
  tag: string;
}

/** Runs one simple query to its end. @throws {PostgresError} what the server said. */
export async function runSimpleQuery(wire: Wire, sql: string): Promise<ResultSet[]> {
  const results = new ResultCollector();
  wire.sendQuery(sql);
  await wire.settle(undefined, (message) => results.add(message));
  return results.results;
}

/** Runs one simple query and gives the rows' values as bytes of their own. */
export async function runSimpleQueryBytes(wire: Wire, sql: string): Promise<(Buffer | undefined)[][]> {
  const rows: (Buffer | undefined)[][] = [];
  wire.sendQuery(sql);
  await wire.settle(undefined, (message) => {
    if (message.type !== BACKEND.dataRow) return;
    rows.push(parseRow(message.body).map((value) => (value === undefined ? undefined : Buffer.from(value))));
  });
  return rows;
}

/** Puts RowDescription, DataRow and CommandComplete together. */
export class ResultCollector {
  readonly results: OpenResult[] = [];

  add(message: BackendMessage): void {
    if (message.type === BACKEND.rowDescription) {
      this.results.push({ columns: parseColumns(message.body), rows: [], tag: '' });
    } else if (message.type === BACKEND.dataRow) {
      this.results.at(-1)?.rows.push(parseRow(message.body).map((value) => value?.toString('utf8')));
    } else if (message.type === BACKEND.commandComplete) {
      const last = this.results.at(-1);
      const tag = parseTag(message.body);
      if (last !== undefined && last.tag === '') last.tag = tag;
      else this.results.push({ columns: [], rows: [], tag });
    }
  }
}
