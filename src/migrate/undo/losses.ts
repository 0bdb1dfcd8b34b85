import type { Statement } from '../files/migration.ts';
import { asNode, asNodes, asText, namesOf, nodeType, type AstNode } from '../sql/parser.ts';
import { schemaAfter } from './search-path.ts';

export const TRUNCATE_CASCADE = 'TRUNCATE … CASCADE';

/** A table by its schema and name, unquoted. */
export interface TableName {
  readonly schema: string;
  readonly name: string;
}

/** Data that applied statements took away, by the names that tables and columns had before the run. */
export type Loss =
  | { readonly kind: 'schema'; readonly schema: string; readonly by: string }
  | { readonly kind: 'table'; readonly table: TableName; readonly by: string }
  | { readonly kind: 'column'; readonly table: TableName; readonly column: string; readonly by: string }
  | { readonly kind: 'rows'; readonly table: TableName; readonly by: string };

/** The statements of one file, in the order in which they ran. */
export type RanFile = readonly Pick<Statement, 'node'>[];

/**
 * What the statements of files, in the order in which they ran, took from tables that were there before: from their parse alone, so what foreign
 * keys took along is not seen (see cascades.ts), nor what a function or a trigger did, nor whether a DELETE found any row. Names follow renamings back to what
 * they were before the first statement; what the statements made themselves is not lost, and IF NOT EXISTS alone is no proof that they did.
 *
 * Each file begins with the search path of a fresh session, `searchPath`: the schemas that unqualified names are looked up in; the first counts.
 * `before` ran between the moment that could be restored and the statements: what it took is not told, what it made or renamed counts.
 */
export function lossesOf(files: readonly RanFile[], searchPath: readonly string[], before: readonly RanFile[] = []): readonly Loss[] {
  const world = new Names(searchPath[0] ?? 'public');
  for (const file of before) takenBy(file, world);
  const losses = new Map<string, Loss>();
  for (const loss of files.flatMap((file) => takenBy(file, world))) {
    const key = JSON.stringify({ ...loss, by: '' });
    if (!losses.has(key)) losses.set(key, loss);
  }
  const all = [...losses.values()];
  const dropped = new Set(all.flatMap((loss) => (loss.kind === 'table' ? [keyOf(loss.table)] : [])));
  // A table that comes back whole brings its columns and rows.
  return all.filter((loss) => loss.kind === 'schema' || loss.kind === 'table' || !dropped.has(keyOf(loss.table)));
}

function takenBy(file: RanFile, world: Names): readonly Loss[] {
  world.startOfFile();
  return file.flatMap(({ node }) => withinWith(node ?? {}).flatMap((each) => world.take(each)));
}

/** A statement after those that its WITH holds: `WITH gone AS (DELETE …) INSERT …`. */
function withinWith(node: AstNode): readonly AstNode[] {
  const { fields } = nodeType(node);
  const within = asNodes(asNode(fields['withClause'])['ctes']).map((each) => asNode(asNode(each['CommonTableExpr'])['ctequery']));
  return [...within.flatMap(withinWith), node];
}

function keyOf({ schema, name }: TableName): string {
  return JSON.stringify([schema, name]);
}

/** Tables and columns under the names they have now, and those they had at first. */
class Names {
  readonly #usualSchema: string;
  #schema: string;
  readonly #tables = new Map<string, TableName>();
  readonly #columns = new Map<string, string>();
  readonly #made = new Set<string>();
  /** What was dropped or renamed: nothing of before has these names any more. */
  readonly #freed = new Set<string>();

  constructor(schema: string) {
    this.#usualSchema = schema;
    this.#schema = schema;
  }

  /** What the file before set holds no longer; what it did to tables does. */
  startOfFile(): void {
    this.#schema = this.#usualSchema;
  }

  take(node: AstNode): readonly Loss[] {
    const { type, fields } = nodeType(node);
    switch (type) {
      case 'VariableSetStmt':
        this.#schema = schemaAfter(node, this.#schema, this.#usualSchema);
        return [];
      case 'CreateStmt':
        this.#make(fields['relation'], fields);
        return [];
      case 'CreateTableAsStmt':
        this.#make(asNode(fields['into'])['rel'], fields);
        return [];
      case 'RenameStmt':
        this.#rename(fields);
        return [];
      case 'AlterObjectSchemaStmt':
        if (fields['objectType'] === 'OBJECT_TABLE')
          this.#move(fields, (table) => ({ ...table, schema: asText(fields['newschema']) ?? '' }));
        return [];
      case 'DropStmt':
        return this.#dropped(fields);
      case 'AlterTableStmt':
        return this.#altered(fields);
      case 'TruncateStmt':
        return asNodes(fields['relations']).flatMap((each) =>
          this.#rows(each['RangeVar'], fields['behavior'] === 'DROP_CASCADE' ? TRUNCATE_CASCADE : 'TRUNCATE'),
        );
      case 'DeleteStmt':
        return this.#rows(fields['relation'], 'DELETE');
      case 'MergeStmt':
        return this.#rows(fields['relation'], 'MERGE');
      case 'UpdateStmt':
        return this.#updated(fields['relation'], fields['targetList'], 'UPDATE');
      case 'InsertStmt': {
        const conflict = asNode(fields['onConflictClause']);
        return conflict['action'] === 'ONCONFLICT_UPDATE'
          ? this.#updated(fields['relation'], conflict['targetList'], 'ON CONFLICT DO UPDATE')
          : [];
      }
      default:
        return [];
    }
  }

  #tableOf(range: unknown): TableName {
    const fields = asNode(range);
    return { schema: asText(fields['schemaname']) ?? this.#schema, name: asText(fields['relname']) ?? '' };
  }

  /** With IF NOT EXISTS the table may have been there before, and what is taken from it is lost then: not made, unless its name was free for sure. */
  #make(range: unknown, fields: AstNode): void {
    const key = keyOf(this.#tableOf(range));
    const surely = fields['if_not_exists'] !== true || this.#freed.has(key) || asNode(range)['relpersistence'] === 't';
    if (surely) this.#made.add(key);
  }

  /** The table as it was called before, or undefined for one that was not there. */
  #original(table: TableName): TableName | undefined {
    return this.#made.has(keyOf(table)) ? undefined : (this.#tables.get(keyOf(table)) ?? table);
  }

  #rename(fields: AstNode): void {
    const to = asText(fields['newname']) ?? '';
    if (fields['renameType'] === 'OBJECT_TABLE') this.#move(fields, (table) => ({ ...table, name: to }));
    else if (fields['renameType'] === 'OBJECT_COLUMN') {
      const table = this.#tableOf(fields['relation']);
      const from = asText(fields['subname']) ?? '';
      const column = (name: string): string => JSON.stringify([table, name]);
      this.#columns.set(column(to), this.#columns.get(column(from)) ?? from);
      if (this.#made.delete(column(from))) this.#made.add(column(to));
    }
  }

  #move(fields: AstNode, change: (table: TableName) => TableName): void {
    const from = this.#tableOf(fields['relation']);
    const to = change(from);
    const original = this.#original(from);
    this.#freed.delete(keyOf(to));
    this.#freed.add(keyOf(from));
    if (original === undefined) {
      this.#made.delete(keyOf(from));
      this.#made.add(keyOf(to));
      return;
    }
    this.#made.delete(keyOf(to));
    this.#tables.set(keyOf(to), original);
    for (const [key, name] of this.#columns) {
      const [table, column] = JSON.parse(key) as [TableName, string];
      if (keyOf(table) === keyOf(from)) this.#columns.set(JSON.stringify([to, column]), name);
    }
  }

  #dropped(fields: AstNode): readonly Loss[] {
    const names = asNodes(fields['objects']);
    if (fields['removeType'] === 'OBJECT_SCHEMA')
      return names.flatMap((each) => {
        const schema = asText(asNode(each['String'])['sval']);
        return schema === undefined ? [] : [{ kind: 'schema' as const, schema, by: 'DROP SCHEMA' }];
      });
    if (fields['removeType'] !== 'OBJECT_TABLE') return [];
    return names.flatMap((each) => {
      const parts = namesOf(asNode(each['List'])['items']);
      const now = { schema: parts.at(-2) ?? this.#schema, name: parts.at(-1) ?? '' };
      const table = this.#original(now);
      this.#tables.delete(keyOf(now));
      this.#freed.add(keyOf(now));
      // Made and dropped, it is gone; dropped, one of that name made later is another.
      if (table === undefined) this.#made.delete(keyOf(now));
      return table === undefined ? [] : [{ kind: 'table' as const, table, by: 'DROP TABLE' }];
    });
  }

  #altered(fields: AstNode): readonly Loss[] {
    const now = this.#tableOf(fields['relation']);
    const table = this.#original(now);
    if (table === undefined) return [];
    const losses: Loss[] = [];
    for (const each of asNodes(fields['cmds'])) {
      const command = asNode(each['AlterTableCmd']);
      const name = asText(command['name']) ?? asText(asNode(asNode(command['def'])['ColumnDef'])['colname']) ?? '';
      const key = JSON.stringify([now, name]);
      if (command['subtype'] === 'AT_AddColumn' && command['missing_ok'] !== true) this.#made.add(key);
      const by = COLUMN_LOSSES[asText(command['subtype']) ?? ''];
      if (by === undefined || this.#made.has(key)) continue;
      losses.push({ kind: 'column', table, column: this.#columns.get(key) ?? name, by });
    }
    return losses;
  }

  #rows(relation: unknown, by: string): readonly Loss[] {
    const table = this.#original(this.#tableOf(relation));
    return table === undefined ? [] : [{ kind: 'rows', table, by }];
  }

  #updated(relation: unknown, targets: unknown, by: string): readonly Loss[] {
    const now = this.#tableOf(relation);
    const table = this.#original(now);
    if (table === undefined) return [];
    return asNodes(targets).flatMap((each) => {
      const column = asText(asNode(each['ResTarget'])['name']) ?? '';
      const key = JSON.stringify([now, column]);
      return column === '' || this.#made.has(key) ? [] : [{ kind: 'column' as const, table, column: this.#columns.get(key) ?? column, by }];
    });
  }
}

const COLUMN_LOSSES: Readonly<Record<string, string>> = { AT_DropColumn: 'DROP COLUMN', AT_AlterColumnType: 'ALTER COLUMN … TYPE' };
