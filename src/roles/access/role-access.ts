import { isSystemSchema } from '../document/names.ts';
import { Closures, type Step } from './closure.ts';
import type { AccessGraph, AccessGroup, AccessKind, AccessPrivilege } from './graph.ts';
import { holds, ways, type Asked, type Ground, type Way } from './paths.ts';
import { accessPrivileges, COLUMN_PRIVILEGES } from './privilege-table.ts';
import { routeText } from './route-text.ts';
import { schemaGroup } from './target.ts';

/** What a role may do with some objects of a kind, in one way. */
export interface RoleAccess {
  /** The role it must become first; undefined at once. */
  readonly after: string | undefined;
  readonly kind: AccessKind | 'column';
  readonly schema: string | undefined;
  /** Of columns, the table they are of. */
  readonly table: string | undefined;
  readonly names: readonly string[];
  /** How many there are of the kind in that schema; of columns, as many as are named. */
  readonly total: number;
  readonly privileges: readonly AccessPrivilege[];
  readonly how: string;
  /** False where USAGE on the schema is missing, without which it is of no use. */
  readonly usable: boolean;
}

/**
 * Everything `role` may do in `database`, at once and after each SET ROLE that adds to it; objects alike share a line.
 *
 * Left out are the server's own schemas, other databases, types and languages that everybody may use, and what a superuser may,
 * which is everything.
 */
export function roleAccess(graph: AccessGraph, database: string, role: string): readonly RoleAccess[] {
  const closures = new Closures(graph, database);
  const collector = new Collector(closures, database);
  const inherited = closures.inherited(role);
  collector.addRole(role, undefined);
  for (const [other] of closures.settable(role)) if (!inherited.has(other)) collector.addRole(other, other);
  return collector.lines();
}

/** The roles that `role` may grant to itself: what they may is not listed either. */
export function selfGrantable(graph: AccessGraph, database: string, role: string): readonly string[] {
  return [...new Closures(graph, database).administrable(role)].sort();
}

/** The superusers that `role` is or may become, with the way there: what they may is not listed. */
export function superusersOf(graph: AccessGraph, role: string): ReadonlyMap<string, readonly Step[]> {
  const closures = new Closures(graph, undefined);
  if (closures.isSuperuser(role)) return new Map([[role, []]]);
  return new Map([...closures.settable(role)].filter(([other]) => closures.isSuperuser(other)));
}

interface Line extends Omit<RoleAccess, 'names' | 'privileges'> {
  readonly names: Set<string>;
  readonly privileges: readonly AccessPrivilege[];
}

/** One object, or objects alike, that a role is asked about. */
interface Subject {
  readonly asked: Asked;
  readonly kind: RoleAccess['kind'];
  readonly table: string | undefined;
  readonly names: readonly string[];
  readonly total: number;
  readonly privileges: readonly AccessPrivilege[];
}

class Collector {
  readonly #closures: Closures;
  readonly #database: string;
  readonly #subjects: readonly Subject[];
  readonly #lines = new Map<string, Line>();
  /** What is there at once need not be had by SET ROLE. */
  readonly #atOnce = new Map<Subject, Set<AccessPrivilege>>();

  constructor(closures: Closures, database: string) {
    this.#closures = closures;
    this.#database = database;
    this.#subjects = subjectsOf(closures.graph, database);
  }

  addRole(role: string, after: string | undefined): void {
    if (this.#closures.isSuperuser(role)) return;
    for (const subject of this.#subjects) {
      const usable = this.#isOpen(role, subject);
      const byHow = new Map<string, AccessPrivilege[]>();
      for (const privilege of subject.privileges) {
        if (after !== undefined && this.#atOnce.get(subject)?.has(privilege) === true) continue;
        const [way] = ways(this.#closures, role, subject.asked, privilege);
        if (way === undefined || isElsewhere(subject, way.ground)) continue;
        if (after === undefined && usable)
          this.#atOnce.set(subject, (this.#atOnce.get(subject) ?? new Set<AccessPrivilege>()).add(privilege));
        const how = routeText({ kind: 'now', way: withoutColumn(way) }, MARK);
        byHow.set(how, [...(byHow.get(how) ?? []), privilege]);
      }
      for (const [how, privileges] of byHow)
        this.#add(subject, { after, usable, privileges, how: how.replace(MARK, privileges.join(', ')) });
    }
  }

  #isOpen(role: string, { asked }: Subject): boolean {
    const { schema } = asked.group;
    const group = schema === undefined ? undefined : schemaGroup(this.#closures.graph.databases.get(this.#database), schema);
    return group === undefined || holds(this.#closures, role, { group, column: undefined }, 'USAGE');
  }

  #add(subject: Subject, line: Pick<RoleAccess, 'after' | 'usable' | 'privileges' | 'how'>): void {
    const schema = subject.asked.group.schema;
    const { kind, table, total } = subject;
    const key = JSON.stringify([kind, schema, table, line]);
    const before = this.#lines.get(key) ?? { ...line, kind, schema, table, total, names: new Set() };
    this.#lines.set(key, before);
    for (const name of subject.names) before.names.add(name);
  }

  lines(): readonly RoleAccess[] {
    return [...this.#lines.values()].map((line) => ({
      ...line,
      names: line.kind === 'column' ? [...line.names] : [...line.names].sort(),
      total: line.kind === 'column' ? line.names.size : line.total,
    }));
  }
}

/** Columns alike share a line, which names them. */
function withoutColumn({ steps, ground }: Way): Way {
  return { steps, ground: ground.kind === 'entry' ? { ...ground, column: undefined } : ground };
}

const MARK = '\uE000';

/** On no line of this subject: what everybody has anyhow, and of a column what is said of its table. */
function isElsewhere({ kind }: Subject, ground: Ground): boolean {
  if (kind === 'column') return ground.kind !== 'entry';
  return (kind === 'type' || kind === 'language') && ground.kind === 'entry' && ground.grantee.kind === 'public';
}

function subjectsOf(graph: AccessGraph, database: string): readonly Subject[] {
  const inside = graph.databases.get(database);
  const shared = graph.shared.filter((group) => group.kind !== 'database' || group.names.includes(database));
  const groups = [...shared, ...(inside?.groups ?? [])].filter((group) => !isServersOwn(group));
  const totals = new Map<string, number>();
  for (const group of groups) totals.set(placeOf(group), (totals.get(placeOf(group)) ?? 0) + group.names.length);
  const whole = groups.map((group) => ({
    asked: { group, column: undefined },
    kind: group.kind,
    table: undefined,
    names: group.names,
    total: totals.get(placeOf(group)) ?? 0,
    privileges: accessPrivileges(group.kind, graph.major),
  }));
  const columns = (inside?.columns ?? []).flatMap((column) => {
    const group = groups.find((each) => each.kind === 'table' && each.schema === column.schema && each.names.includes(column.table));
    if (group === undefined) return [];
    // The table's own entries are on its line.
    const asked = { group: { ...group, acl: [] }, column };
    return [{ asked, kind: 'column' as const, table: column.table, names: [column.column], total: 1, privileges: COLUMN_PRIVILEGES }];
  });
  return [...whole, ...columns];
}

/** Whether a group is of the server's own schemas, about which nobody asks. */
export function isServersOwn(group: AccessGroup): boolean {
  if (group.schema !== undefined) return isSystemSchema(group.schema);
  return group.kind === 'schema' && group.names.every(isSystemSchema);
}

function placeOf(group: AccessGroup): string {
  return JSON.stringify([group.kind, group.schema]);
}
