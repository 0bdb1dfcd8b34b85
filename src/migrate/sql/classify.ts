import { quoteIdentifier } from '../../postgres/quote.ts';
import { asNode, asNodes, asText, namesOf, nodeType, type AstNode } from './parser.ts';

/** What a statement is, from its parse tree. */
export interface StatementKind {
  /** The command in SQL's words: `ALTER TABLE`, `CREATE INDEX CONCURRENTLY`. */
  readonly command: string;
  /** What it is about, as written: `core.play`; undefined where there is no one thing. */
  readonly object: string | undefined;
  /** PostgreSQL refuses it inside a transaction block, or it may commit on its own. */
  readonly alone: boolean;
}

const OBJECT_TYPES: Readonly<Record<string, string>> = {
  OBJECT_TABLE: 'TABLE',
  OBJECT_VIEW: 'VIEW',
  OBJECT_MATVIEW: 'MATERIALIZED VIEW',
  OBJECT_INDEX: 'INDEX',
  OBJECT_SEQUENCE: 'SEQUENCE',
  OBJECT_FOREIGN_TABLE: 'FOREIGN TABLE',
};

/** Whether it does nothing but change settings of the session: SET and RESET, and `SELECT set_config(…)` as pg_dump writes it. */
export function changesSettings(statement: AstNode): boolean {
  const { type, fields } = nodeType(statement);
  if (type !== 'SelectStmt') return type === 'VariableSetStmt';
  const columns = asNodes(fields['targetList']).map((each) => asNode(asNode(each['ResTarget'])['val']));
  const callsOnly = columns.every((value) => namesOf(asNode(value['FuncCall'])['funcname']).at(-1) === 'set_config');
  return columns.length > 0 && callsOnly && asNodes(fields['fromClause']).length === 0;
}

/** The command of a statement for people, read off its node; unknown ones take the first words of the text. */
export function classify(statement: AstNode, text: string): StatementKind {
  const { type, fields } = nodeType(statement);
  const concurrent = fields['concurrent'] === true ? ' CONCURRENTLY' : '';
  const made = (command: string, object?: string, alone = false): StatementKind => ({ command, object, alone });
  switch (type) {
    case 'IndexStmt':
      return made(
        `CREATE${fields['unique'] === true ? ' UNIQUE' : ''} INDEX${concurrent}`,
        relation(fields['relation']),
        concurrent !== '',
      );
    case 'DropStmt': {
      const kind = objectType(fields['removeType']);
      return made(`DROP ${kind}${concurrent}`, droppedNames(fields).join(', '), concurrent !== '');
    }
    case 'ReindexStmt': {
      const inBackground = asNodes(fields['params']).some((each) => asNode(each['DefElem'])['defname'] === 'concurrently');
      // Of a partitioned table or index too: which it is, the statement does not tell.
      return made(`REINDEX${inBackground ? ' CONCURRENTLY' : ''}`, relation(fields['relation']) ?? asText(fields['name']), true);
    }
    case 'AlterTableStmt': {
      const detaches = asNodes(fields['cmds']).some((each) => {
        const command = asNode(each['AlterTableCmd']);
        const inBackground = asNode(asNode(command['def'])['PartitionCmd'])['concurrent'] === true;
        return command['subtype'] === 'AT_DetachPartitionFinalize' || inBackground;
      });
      return made(`ALTER ${objectType(fields['objtype'])}`, relation(fields['relation']), detaches);
    }
    case 'VacuumStmt':
      return made(fields['is_vacuumcmd'] === true ? 'VACUUM' : 'ANALYZE', vacuumed(fields), fields['is_vacuumcmd'] === true);
    case 'ClusterStmt':
      return made('CLUSTER', relation(fields['relation']), true);
    case 'CallStmt':
      return made('CALL', namesOf(asNode(fields['funccall'])['funcname']).map(quoteIdentifier).join('.'), true);
    case 'DoStmt':
      return made('DO', undefined, true);
    case 'VariableSetStmt':
      return made(firstWord(text), asText(fields['name']), true);
    case 'CreateFunctionStmt':
      return made(`CREATE ${fields['is_procedure'] === true ? 'PROCEDURE' : 'FUNCTION'}`, dotted(fields['funcname']));
    case 'CreateTrigStmt':
      return made('CREATE TRIGGER', `${asText(fields['trigname']) ?? ''} on ${relation(fields['relation']) ?? ''}`);
    case 'ViewStmt':
      return made('CREATE VIEW', relation(fields['view']));
    case 'CreateTableAsStmt':
      return made(
        `CREATE ${objectType(fields['objtype'])}${objectType(fields['objtype']) === 'TABLE' ? ' AS' : ''}`,
        relation(asNode(fields['into'])['rel']),
      );
    case 'CreateSchemaStmt':
      return made('CREATE SCHEMA', asText(fields['schemaname']));
    case 'TruncateStmt':
      return made(
        'TRUNCATE',
        asNodes(fields['relations'])
          .map((each) => relation(each['RangeVar']))
          .join(', '),
      );
    case 'CreateEnumStmt':
    case 'CompositeTypeStmt':
      return made('CREATE TYPE', dotted(fields['typeName']) ?? relation(fields['typevar']));
    case 'AlterEnumStmt':
      return made('ALTER TYPE', dotted(fields['typeName']));
    case 'CreateExtensionStmt':
      return made('CREATE EXTENSION', asText(fields['extname']));
    default:
      return made(COMMANDS[type] ?? firstWords(text), relation(fields['relation']) ?? relation(fields['sequence']), ALONE.has(type));
  }
}

const COMMANDS: Readonly<Record<string, string>> = {
  CreateStmt: 'CREATE TABLE',
  InsertStmt: 'INSERT',
  UpdateStmt: 'UPDATE',
  DeleteStmt: 'DELETE',
  MergeStmt: 'MERGE',
  SelectStmt: 'SELECT',
  CopyStmt: 'COPY',
  GrantStmt: 'GRANT or REVOKE',
  CommentStmt: 'COMMENT',
  RenameStmt: 'RENAME',
  CreateSeqStmt: 'CREATE SEQUENCE',
  AlterSeqStmt: 'ALTER SEQUENCE',
  RefreshMatViewStmt: 'REFRESH MATERIALIZED VIEW',
  LockStmt: 'LOCK TABLE',
  CreatePolicyStmt: 'CREATE POLICY',
  CreateDomainStmt: 'CREATE DOMAIN',
};

const ALONE: ReadonlySet<string> = new Set([
  'CreatedbStmt',
  'DropdbStmt',
  'AlterDatabaseStmt',
  'AlterDatabaseRefreshCollStmt',
  'CreateTableSpaceStmt',
  'DropTableSpaceStmt',
  'AlterSystemStmt',
  'CreateSubscriptionStmt',
  'AlterSubscriptionStmt',
  'DropSubscriptionStmt',
]);

/** `schema.name` of a RangeVar, quoted where it must be. */
export function relation(value: unknown): string | undefined {
  const fields = asNode(value);
  const name = asText(fields['relname']);
  if (name === undefined) return undefined;
  const schema = asText(fields['schemaname']);
  return schema === undefined ? quoteIdentifier(name) : `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}

/** The names in a DROP, as written. */
export function droppedNames(drop: AstNode): readonly string[] {
  return asNodes(drop['objects']).map((each) => {
    const list = namesOf(asNode(each['List'])['items']);
    const routine = namesOf(asNode(each['ObjectWithArgs'])['objname']);
    const type = namesOf(asNode(each['TypeName'])['names']);
    const single = asText(asNode(each['String'])['sval']);
    const names = [list, routine, type].find((some) => some.length > 0) ?? (single === undefined ? [] : [single]);
    return names.map(quoteIdentifier).join('.');
  });
}

/** `TABLE` of `OBJECT_TABLE`. */
function objectType(value: unknown): string {
  const name = asText(value) ?? '';
  return OBJECT_TYPES[name] ?? name.replace(/^OBJECT_/, '').replaceAll('_', ' ');
}

function dotted(names: unknown): string | undefined {
  const found = namesOf(names);
  return found.length === 0 ? undefined : found.map(quoteIdentifier).join('.');
}

function vacuumed(fields: AstNode): string | undefined {
  const tables = asNodes(fields['rels']).flatMap((each) => relation(asNode(each['VacuumRelation'])['relation']) ?? []);
  return tables.length === 0 ? undefined : tables.join(', ');
}

function firstWord(text: string): string {
  return (/^\w+/.exec(text)?.[0] ?? '').toUpperCase();
}

/** The leading plain words of a statement that has no entry above: `CREATE OPERATOR CLASS`. */
function firstWords(text: string): string {
  const words = (/^[A-Za-z]+(\s+[A-Za-z]+){0,1}/.exec(text)?.[0] ?? '').toUpperCase();
  return words.replaceAll(/\s+/g, ' ');
}
