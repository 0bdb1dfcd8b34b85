import type { Sql } from 'postgres';
import { Closures } from '../../../src/roles/access/closure.ts';
import { relationKey, type AccessGraph, type AccessKind } from '../../../src/roles/access/graph.ts';
import { holds, type Asked } from '../../../src/roles/access/paths.ts';
import { accessPrivileges, COLUMN_PRIVILEGES } from '../../../src/roles/access/privilege-table.ts';
import { ROUTINE_NAME_SQL } from '../../../src/roles/routine-name.ts';
import { MatrixFacts } from './matrix-oracle.ts';

/** Where computed and asked facts differ, and how many there were. */
export interface FactReport {
  readonly facts: number;
  readonly held: number;
  /** What the server says and we do not. */
  readonly missing: readonly string[];
  /** What we say and the server does not. */
  readonly extra: readonly string[];
  /** Of the facts, those that stand in the matrix too. */
  readonly inMatrix: number;
  /** Where the matrix says another thing than the server. */
  readonly wrongInMatrix: readonly string[];
}

/** One kind of object: a query of every object with its OID and name, and the server's own function. */
interface Question {
  readonly kind: AccessKind | 'column' | 'role';
  readonly privileges: readonly string[];
  readonly from: string;
  /** SQL for whether role `r` has privilege `p.word` on object `o`. */
  readonly holds: string;
}

const OURS = `n.nspname !~ '^pg_(toast|temp_)'`;

function questions(major: number): readonly Question[] {
  const simple = (kind: AccessKind, from: string, call: string): Question => ({
    kind,
    privileges: accessPrivileges(kind, major),
    from,
    holds: call,
  });
  const relation = (where: string): string =>
    `select c.oid, n.nspname::text as schema, c.relname::text as name, null::text as col, null::int2 as num from pg_class c join pg_namespace n on n.oid = c.relnamespace where ${where} and ${OURS}`;
  const alone = (table: string, name: string): string =>
    `select oid, null::text as schema, ${name}::text as name, null::text as col, null::int2 as num from ${table}`;
  return [
    simple('table', relation(`c.relkind in ('r', 'p', 'f', 'v', 'm')`), 'has_table_privilege(r.oid, o.oid, p.word)'),
    simple('sequence', relation(`c.relkind = 'S'`), 'has_sequence_privilege(r.oid, o.oid, p.word)'),
    {
      kind: 'column',
      privileges: COLUMN_PRIVILEGES,
      from: `select c.oid, n.nspname::text as schema, c.relname::text as name, a.attname::text as col, a.attnum as num from pg_class c
        join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        where c.relkind in ('r', 'p', 'f', 'v', 'm') and ${OURS} and (n.nspname !~ '^(pg_|information_schema)' or a.attacl is not null or c.relname = 'pg_authid')`,
      holds: 'has_column_privilege(r.oid, o.oid, o.num, p.word)',
    },
    simple('schema', `${alone('pg_namespace n', 'nspname')} where ${OURS}`, 'has_schema_privilege(r.oid, o.oid, p.word)'),
    simple(
      'routine',
      `select p.oid, n.nspname::text as schema, ${ROUTINE_NAME_SQL} as name, null::text as col, null::int2 as num from pg_proc p join pg_namespace n on n.oid = p.pronamespace`,
      'has_function_privilege(r.oid, o.oid, p.word)',
    ),
    simple(
      'type',
      `select t.oid, n.nspname::text as schema, t.typname::text as name, null::text as col, null::int2 as num from pg_type t join pg_namespace n on n.oid = t.typnamespace
        where ${OURS} and t.typisdefined ${major >= 17 ? "and t.typtype <> 'm'" : ''} and not exists (select from pg_type e where e.typarray = t.oid)
          and (t.typrelid = 0 or exists (select from pg_class c where c.oid = t.typrelid and c.relkind = 'c'))`,
      'has_type_privilege(r.oid, o.oid, p.word)',
    ),
    simple('language', alone('pg_language', 'lanname'), 'has_language_privilege(r.oid, o.oid, p.word)'),
    simple('foreign data wrapper', alone('pg_foreign_data_wrapper', 'fdwname'), 'has_foreign_data_wrapper_privilege(r.oid, o.oid, p.word)'),
    simple('server', alone('pg_foreign_server', 'srvname'), 'has_server_privilege(r.oid, o.oid, p.word)'),
    simple('database', alone('pg_database', 'datname'), 'has_database_privilege(r.oid, o.oid, p.word)'),
    simple('tablespace', alone('pg_tablespace', 'spcname'), 'has_tablespace_privilege(r.oid, o.oid, p.word)'),
    ...(major >= 15 ? [simple('parameter', alone('pg_parameter_acl', 'parname'), 'has_parameter_privilege(r.oid, o.name, p.word)')] : []),
    ...(major >= 18
      ? [simple('large object', alone('pg_largeobject_metadata', 'oid'), 'has_largeobject_privilege(r.oid, o.oid, p.word)')]
      : []),
    {
      kind: 'role',
      privileges: ['MEMBER', 'USAGE', ...(major >= 16 ? ['SET'] : [])],
      from: alone('pg_roles', 'rolname'),
      holds: 'pg_has_role(r.oid, o.oid, p.word)',
    },
  ];
}

interface ServerRow {
  readonly role: string;
  readonly schema: string | null;
  readonly name: string;
  readonly col: string | null;
  readonly word: string;
  readonly holds: boolean;
}

/** So that the answers fit into memory. */
const ROLES_AT_ONCE = 16;

/** Asks the server for every fact about `roles` and every object of the database, and computes each from the graph. */
export async function compareFacts(sql: Sql, graph: AccessGraph, database: string, roles: readonly string[]): Promise<FactReport> {
  const computed = new Computed(graph, database);
  const matrix = new MatrixFacts(graph, database);
  const wrongInMatrix: string[] = [];
  const missing: string[] = [];
  const extra: string[] = [];
  let [facts, held, inMatrix] = [0, 0, 0];
  for (const question of questions(graph.major)) {
    const words = question.privileges.flatMap((word) => (question.kind === 'role' ? [word] : [word, `${word} WITH GRANT OPTION`]));
    for (let start = 0; start < roles.length; start += ROLES_AT_ONCE) {
      const rows = await sql.unsafe<ServerRow[]>(
        `select r.rolname::text as role, o.schema, o.name, o.col, p.word, ${question.holds} as holds
         from pg_roles r cross join (${question.from}) o cross join unnest($1::text[]) p(word) where r.rolname = any($2::text[])`,
        [words, roles.slice(start, start + ROLES_AT_ONCE)],
      );
      for (const row of rows) {
        facts += 1;
        if (row.holds) held += 1;
        const ours = question.kind === 'role' ? computed.role(row.role, row.name, row.word) : computed.holds(question.kind, row);
        const text = `${row.role}: ${row.word} on ${question.kind} ${[row.schema, row.name, row.col].filter((part) => part !== null).join('.')}`;
        if (ours && !row.holds) extra.push(text);
        if (!ours && row.holds) missing.push(text);
        const cell = matrix.holds(question.kind, row.schema, row.name, row.role, row.word);
        const isOption = row.word.endsWith('WITH GRANT OPTION');
        // An owner may grant on what it took from itself; a cell has no mark for what is not there.
        const isBare = isOption && matrix.holds(question.kind, row.schema, row.name, row.role, row.word.replace(/ WITH .*/, '')) === false;
        if (cell === undefined || isBare) continue;
        inMatrix += 1;
        if (cell !== row.holds) wrongInMatrix.push(text);
      }
    }
  }
  return { facts, held, missing, extra, inMatrix, wrongInMatrix };
}

class Computed {
  readonly #closures: Closures;
  readonly #asked = new Map<string, Asked>();
  readonly #answers = new Map<Asked, Map<string, boolean>>();

  constructor(graph: AccessGraph, database: string) {
    this.#closures = new Closures(graph, database);
    const inside = graph.databases.get(database);
    for (const group of [...graph.shared, ...(inside?.groups ?? [])]) {
      const asked = { group, column: undefined };
      for (const name of group.names) this.#asked.set(keyOf(group.kind, group.schema ?? null, name, null), asked);
    }
    for (const column of inside?.columns ?? []) {
      const table = this.#asked.get(keyOf('table', column.schema, column.table, null));
      if (table === undefined) throw new Error(`no table ${relationKey({ schema: column.schema, name: column.table })}`);
      this.#asked.set(keyOf('column', column.schema, column.table, column.column), { ...table, column });
    }
  }

  holds(kind: Question['kind'], { role, schema, name, col, word }: ServerRow): boolean {
    const own = this.#asked.get(keyOf(kind, schema, name, col));
    const asked = own ?? (kind === 'column' ? this.#asked.get(keyOf('table', schema, name, null)) : undefined);
    if (asked === undefined) throw new Error(`the graph has no ${kind} ${String(schema)}.${name}`);
    const answers = this.#answers.get(asked) ?? new Map<string, boolean>();
    this.#answers.set(asked, answers);
    const key = `${word} ${role}`;
    const known = answers.get(key);
    if (known !== undefined) return known;
    const isGrant = word.endsWith(' WITH GRANT OPTION');
    const privilege = accessPrivileges(kind === 'column' ? 'table' : kind === 'role' ? 'database' : kind, this.#closures.graph.major).find(
      (each) => each === word.replace(/ WITH GRANT OPTION$/, ''),
    );
    if (privilege === undefined) throw new Error(`${word} on ${kind}`);
    const answer = holds(this.#closures, role, asked, privilege, isGrant);
    answers.set(key, answer);
    return answer;
  }

  role(member: string, role: string, word: string): boolean {
    if (this.#closures.isSuperuser(member)) return true;
    if (word === 'USAGE') return this.#closures.inherited(member).has(role);
    if (word === 'SET') return this.#closures.settable(member).has(role);
    return this.#closures.member(member).has(role);
  }
}

function keyOf(kind: string, schema: string | null, name: string, column: string | null): string {
  return JSON.stringify([kind, schema, name, column]);
}
