import type { NeverObject, NeverRule, NeverSubject } from '../document/never.ts';
import { matchesAny } from '../document/globs.ts';
import { Closures } from './closure.ts';
import { relationKey, type AccessGraph, type AccessGroup, type AccessNames, type AccessPrivilege } from './graph.ts';
import { ways, type Asked, type Way } from './paths.ts';
import { routeText } from './route-text.ts';
import type { Route } from './routes.ts';
import { refText, shownName } from './target.ts';
import { inputTypes } from '../routine-name.ts';

/** A rule that does not hold, and one role and object that show it. */
export interface NeverViolation {
  readonly rule: NeverRule;
  /** Undefined for what belongs to the whole cluster. */
  readonly database: string | undefined;
  /** A role, or PUBLIC. */
  readonly role: string;
  /** `has UPDATE on table core.audit_log`, `is superuser`. */
  readonly what: string;
  /** How it comes: `member of app_writer (inherit) → UPDATE granted by app_owner`. */
  readonly how: string;
  /** How many objects of the rule it is so for; the one named is the first. */
  readonly objects: number;
}

export interface NeverVerdict {
  readonly violations: readonly NeverViolation[];
  /** Rules about objects that no database has: a guard that guards nothing. */
  readonly idle: readonly NeverRule[];
}

/**
 * Holds the rules against what roles can do: at once and after SET ROLE. Functions and views that act as their owner are no
 * violation: they are how access is given out with care; views are remarked on, see findDetours. A privilege counts without USAGE on the schema, which one grant brings.
 */
export function checkNever(rules: readonly NeverRule[], graph: AccessGraph): NeverVerdict {
  const violations: NeverViolation[] = [];
  const idle: NeverRule[] = [];
  const judges = new Map<string, Judge>();
  const judge = (database: string): Judge => {
    const known = judges.get(database) ?? new Judge(graph, database);
    judges.set(database, known);
    return known;
  };
  for (const rule of rules) {
    if (rule.kind === 'is') {
      violations.push(...judge('').qualities(rule));
      continue;
    }
    const databases = [...graph.databases.keys()].filter((name) => rule.database === undefined || rule.database === name);
    const isShared = SHARED.includes(rule.on.kind);
    const asked = (isShared ? [''] : databases).map((name) => ({ name, objects: judge(name).objects(rule.on) }));
    if (asked.every(({ objects }) => objects.length === 0) && rule.on.kind !== 'parameter') idle.push(rule);
    for (const { name, objects } of asked) violations.push(...judge(name).privileges(rule, objects));
  }
  return { violations, idle };
}

const SHARED: readonly string[] = ['database', 'tablespace', 'parameter'];

/** What only the server can say of the names in the rules. */
export function neverNames(rules: readonly NeverRule[]): AccessNames {
  const objects = rules.flatMap((rule) => (rule.kind === 'can' ? [rule.on] : []));
  return {
    relations: objects.flatMap(({ kind, schema, name }) => (kind === 'column' && schema !== undefined ? [{ schema, name }] : [])),
    routines: objects.flatMap((on) => routineText(on) ?? []),
    parameters: [],
  };
}

function routineText({ schema, name, argumentTypes }: NeverObject): string | undefined {
  if (argumentTypes === undefined || schema === undefined) return undefined;
  return `${quoted(unescaped(schema))}.${quoted(unescaped(name))}(${inputTypes(argumentTypes)})`;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function unescaped(glob: string): string {
  return glob.replaceAll(/\\([\s\S])/g, '$1');
}

/** Objects that a rule is about and that share an answer. */
interface AskedObjects {
  readonly asked: Asked;
  readonly names: readonly string[];
}

class Judge {
  readonly #graph: AccessGraph;
  readonly #database: string;
  readonly #closures: Closures;

  constructor(graph: AccessGraph, database: string) {
    this.#graph = graph;
    this.#database = database;
    this.#closures = new Closures(graph, database);
  }

  objects(on: NeverObject): readonly AskedObjects[] {
    const inside = this.#graph.databases.get(this.#database);
    const groups = SHARED.includes(on.kind) ? this.#graph.shared : (inside?.groups ?? []);
    const kind = on.kind === 'column' ? 'table' : on.kind;
    const inSchema = groups.filter((group) => group.kind === kind && this.#isInSchema(group, on));
    if (on.kind === 'column') return inSchema.flatMap((group) => (group.names.includes(on.name) ? this.#columns(group, on) : []));
    return inSchema.flatMap((group) => {
      const names = group.names.filter((name) => this.#isNamed(group, name, on));
      return names.length === 0 ? [] : [{ asked: { group, column: undefined }, names }];
    });
  }

  /** A pattern is not meant for the server's own schemas, unless it says so. */
  #isInSchema(group: AccessGroup, on: NeverObject): boolean {
    if (group.schema === undefined || on.schema === undefined) return group.schema === on.schema;
    if (on.kind === 'column') return group.schema === on.schema;
    const isOwn = group.schema.startsWith('pg_') || group.schema === 'information_schema';
    return matchesAny(group.schema, [on.schema]) && (!isOwn || on.schema.startsWith('pg_') || on.schema === 'information_schema');
  }

  #isNamed(group: AccessGroup, name: string, on: NeverObject): boolean {
    if (group.kind !== 'routine') return matchesAny(name, [on.name]);
    const text = routineText(on);
    if (text !== undefined) return this.#graph.databases.get(this.#database)?.routineNames.get(text) === name;
    const bare = name.startsWith('"')
      ? name
          .slice(1)
          .replace(/"\(.*$/s, '')
          .replaceAll('""', '"')
      : name.replace(/\(.*$/s, '');
    return matchesAny(bare, [on.name]);
  }

  #columns(group: AccessGroup, on: NeverObject): readonly AskedObjects[] {
    const inside = this.#graph.databases.get(this.#database);
    const schema = group.schema ?? '';
    const listed = inside?.columnNames.get(relationKey({ schema, name: on.name })) ?? [];
    return listed
      .filter((column) => matchesAny(column, [on.column ?? '*']))
      .map((column) => {
        const own = inside?.columns.find((each) => each.schema === schema && each.table === on.name && each.column === column);
        return { asked: { group, column: { column, acl: own?.acl ?? [] } }, names: [on.name] };
      });
  }

  *privileges(rule: Extract<NeverRule, { kind: 'can' }>, objects: readonly AskedObjects[]): Generator<NeverViolation> {
    for (const role of subjectsOf(this.#graph, rule.who)) {
      const found = objects.flatMap(({ asked, names }) => {
        for (const privilege of rule.privileges) {
          const route = role === undefined ? publicRoute(asked, privilege) : this.#route(role, asked, privilege);
          if (route !== undefined) return [{ asked, names, privilege, route }];
        }
        return [];
      });
      const [first] = found;
      if (first === undefined) continue;
      const { asked, names, privilege, route } = first;
      const ref = { kind: asked.group.kind, schema: asked.group.schema, name: names[0] ?? '', column: asked.column?.column };
      yield {
        rule,
        database: SHARED.includes(rule.on.kind) ? undefined : this.#database,
        role: role ?? 'PUBLIC',
        what: `has ${privilege} on ${refText(ref)}`,
        how: routeText(route, privilege),
        objects: found.reduce((sum, each) => sum + each.names.length, 0),
      };
    }
  }

  *qualities(rule: Extract<NeverRule, { kind: 'is' }>): Generator<NeverViolation> {
    for (const role of subjectsOf(this.#graph, rule.who)) {
      if (role === undefined) continue;
      const found = this.#quality(role, rule);
      if (found !== undefined) yield { rule, database: undefined, role, ...found, objects: 1 };
    }
  }

  /** Attributes are not inherited, and whoever becomes a role has them. */
  #quality(role: string, { what }: Extract<NeverRule, { kind: 'is' }>): Pick<NeverViolation, 'what' | 'how'> | undefined {
    if (what.kind === 'member') {
      if (role === what.role) return undefined;
      const isMember = this.#closures.inherited(role).has(what.role);
      if (!isMember && (this.#closures.isSuperuser(role) || !this.#closures.settable(role).has(what.role))) return undefined;
      const steps = (isMember ? this.#closures.inherited(role) : this.#closures.settable(role)).get(what.role) ?? [];
      return { what: `is member of ${shownName(what.role)}`, how: [role, ...steps.map((step) => step.role)].map(shownName).join(' → ') };
    }
    for (const other of this.#closures.settable(role).keys()) {
      if (this.#graph.roles.get(other)?.attributes[what.attribute] !== true) continue;
      return { what: `is ${what.attribute}`, how: other === role ? 'its own attribute' : `after SET ROLE ${shownName(other)}` };
    }
    return undefined;
  }

  #route(role: string, asked: Asked, privilege: AccessPrivilege): Route | undefined {
    const [way] = ways(this.#closures, role, asked, privilege);
    if (way !== undefined) return { kind: 'now', way };
    for (const [other, steps] of this.#closures.settable(role)) {
      const [after] = ways(this.#closures, other, asked, privilege);
      if (after !== undefined) return { kind: 'set-role', role: other, steps, way: after };
    }
    return undefined;
  }
}

/** Whom a rule is about. Undefined stands for PUBLIC. The server's own roles are meant only by a name that says so. */
export function subjectsOf(graph: AccessGraph, { who, except }: NeverSubject): readonly (string | undefined)[] {
  if (who === 'public') return [undefined];
  return [...graph.roles.values()]
    .filter(({ name, login }) => {
      if (matchesAny(name, except)) return false;
      if (who === 'login') return login;
      if (who === 'role') return !name.startsWith('pg_');
      return who.some((glob) => matchesAny(name, [glob]) && (!name.startsWith('pg_') || glob.startsWith('pg_')));
    })
    .map(({ name }) => name);
}

function publicRoute({ group, column }: Asked, privilege: AccessPrivilege): Route | undefined {
  const entry = [...group.acl, ...(column?.acl ?? [])].find((each) => each.grantee.kind === 'public' && each.privilege === privilege);
  if (entry === undefined) return undefined;
  const way: Way = {
    steps: [],
    ground: { kind: 'entry', grantee: entry.grantee, grantor: entry.grantor, grantable: false, isOwner: false, column: column?.column },
  };
  return { kind: 'now', way };
}
