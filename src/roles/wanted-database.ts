import type { DeclaredDatabase, NamedAccess, ProfileAccess, ProfilePart, RolesDocument, ServerRange } from './document/document.ts';
import { privilegesOf, type Privilege, type PrivilegeKind } from './privileges.ts';
import type { Refusals } from './refusal.ts';
import { granteeKey, PUBLIC, role, routineKey, type DatabaseState, type DefaultEntry, type Grantee, type ObjectKind } from './state.ts';

/** A privilege somebody is to have. Who grants it follows from the object: its owner. */
export interface Want {
  readonly grantee: Grantee;
  readonly privilege: Privilege;
  readonly grantable: boolean;
}

/** What the file says about one database. Objects are still spoken of by rule, not one by one. */
export interface WantedDatabase {
  readonly name: string;
  readonly onDatabase: WantSet;
  readonly onSchemas: ReadonlyMap<string, WantSet>;
  /** By schema and kind, see {@link objectsKey}: what every object gets, less those excepted. */
  readonly onAll: ReadonlyMap<string, readonly WildcardWant[]>;
  /** By schema and kind, then by name. */
  readonly onNamed: ReadonlyMap<string, ReadonlyMap<string, WantSet>>;
  readonly defaults: readonly DefaultEntry[];
  /** Extensions whose routines PUBLIC keeps. */
  readonly publicExtensions: ReadonlySet<string>;
}

export interface WildcardWant extends Want {
  readonly except: ReadonlySet<string>;
}

/** Wants without doubles: the same privilege asked for twice is grantable when one of them says so. */
export class WantSet {
  readonly #wants = new Map<string, Want>();

  add(want: Want): void {
    const key = `${granteeKey(want.grantee)} ${want.privilege}`;
    const before = this.#wants.get(key);
    this.#wants.set(key, before === undefined ? want : { ...before, grantable: before.grantable || want.grantable });
  }

  list(): readonly Want[] {
    return [...this.#wants.values()];
  }
}

export function objectsKey(schema: string, kind: ObjectKind): string {
  return `${kind} ${schema}`;
}

/** The part of the file about `declared`, with privileges resolved for the server's major. */
export function wantedDatabase(
  document: RolesDocument,
  declared: DeclaredDatabase,
  state: DatabaseState,
  major: number,
  refusals: Refusals,
): WantedDatabase {
  const builder = new Builder(document, declared, state, major, refusals);
  return builder.build();
}

class Builder {
  readonly #document: RolesDocument;
  readonly #declared: DeclaredDatabase;
  readonly #state: DatabaseState;
  readonly #major: number;
  readonly #refusals: Refusals;
  readonly #onDatabase = new WantSet();
  readonly #onSchemas = new Map<string, WantSet>();
  readonly #onAll = new Map<string, WildcardWant[]>();
  readonly #onNamed = new Map<string, Map<string, WantSet>>();
  readonly #defaults = new Map<string, DefaultEntry>();
  readonly #publicExtensions = new Set<string>();

  constructor(document: RolesDocument, declared: DeclaredDatabase, state: DatabaseState, major: number, refusals: Refusals) {
    this.#document = document;
    this.#declared = declared;
    this.#state = state;
    this.#major = major;
    this.#refusals = refusals;
  }

  build(): WantedDatabase {
    for (const name of this.#declared.connect) this.#connect(name);
    for (const schema of this.#declared.schemas.values()) {
      if (schema.owner !== undefined) this.#connect(schema.owner);
      for (const creator of schema.creators) {
        this.#connect(creator);
        if (this.#document.roles.has(creator)) this.#schema(schema.name, role(creator), ['USAGE', 'CREATE'], false);
      }
    }
    for (const rule of this.#declared.access) {
      if (rule.kind === 'profile') this.#profile(rule);
      else this.#named(rule);
    }
    if (this.#document.public.preset === 'locked') this.#keepForPublic();
    return {
      name: this.#declared.name,
      onDatabase: this.#onDatabase,
      onSchemas: this.#onSchemas,
      onAll: this.#onAll,
      onNamed: this.#onNamed,
      defaults: [...this.#defaults.values()],
      publicExtensions: this.#publicExtensions,
    };
  }

  /** Only declared roles: an owner or creator from outside has its own arrangements. */
  #connect(name: string): void {
    if (this.#document.roles.has(name)) this.#onDatabase.add({ grantee: role(name), privilege: 'CONNECT', grantable: false });
  }

  #schema(schema: string, grantee: Grantee, privileges: readonly Privilege[], grantable: boolean): void {
    const wants = this.#onSchemas.get(schema) ?? new WantSet();
    this.#onSchemas.set(schema, wants);
    for (const privilege of privileges) wants.add({ grantee, privilege, grantable });
  }

  #profile(rule: ProfileAccess): void {
    for (const name of rule.to) {
      this.#connect(name);
      for (const schema of rule.schemas) {
        this.#schema(schema, role(name), ['USAGE'], false);
        for (const part of rule.parts) this.#profilePart(rule, part, schema, name);
      }
    }
  }

  #profilePart(rule: ProfileAccess, part: ProfilePart, schema: string, name: string): void {
    if (part.servers !== undefined && !isInRange(this.#major, part.servers)) return;
    const privileges = this.#privileges(part.kind, part.privileges, part.at);
    if (part.kind === 'schema') return this.#schema(schema, role(name), privileges, rule.grantable);
    if (part.kind === 'database') return;
    const except = new Set(rule.except.filter((each) => each.schema === schema).map((each) => each.name));
    const key = objectsKey(schema, part.kind);
    const wants = this.#onAll.get(key) ?? [];
    this.#onAll.set(key, wants);
    for (const privilege of privileges) {
      wants.push({ grantee: role(name), privilege, grantable: rule.grantable, except });
      for (const creator of this.#declared.schemas.get(schema)?.creators ?? []) {
        if (creator !== name) this.#default({ creator, schema, of: part.kind, grantee: role(name), privilege, grantable: rule.grantable });
      }
    }
  }

  #default(entry: DefaultEntry): void {
    const key = JSON.stringify([entry.creator, entry.schema, entry.of, entry.grantee, entry.privilege]);
    const before = this.#defaults.get(key);
    this.#defaults.set(key, before === undefined ? entry : { ...entry, grantable: before.grantable || entry.grantable });
  }

  #named(rule: NamedAccess): void {
    const { on } = rule;
    const privileges = this.#privileges(on.kind, rule.privileges, rule.at);
    for (const name of rule.to) {
      const wants = privileges.map((privilege) => ({ grantee: role(name), privilege, grantable: rule.grantable }));
      if (on.kind === 'database') {
        for (const want of wants) this.#onDatabase.add(want);
        continue;
      }
      this.#connect(name);
      if (on.kind === 'schema') {
        this.#schema(on.name, role(name), privileges, rule.grantable);
        continue;
      }
      this.#schema(on.schema, role(name), ['USAGE'], false);
      const target = this.#object(on, rule.at);
      for (const want of wants) target?.add(want);
    }
  }

  /** The wants of one object, or undefined after refusing because there is no such object. */
  #object(on: Extract<NamedAccess['on'], { schema: string }>, at: NamedAccess['at']): WantSet | undefined {
    const name = on.kind === 'routine' ? this.#state.routines.get(routineKey(on)) : on.name;
    const isThere =
      name !== undefined &&
      this.#state.groups.some((group) => group.schema === on.schema && group.kind === on.kind && group.names.includes(name));
    if (!isThere) {
      const shown = on.kind === 'routine' ? `${on.schema}.${on.name}(${on.argumentTypes})` : `${on.schema}.${on.name}`;
      this.#refusals.add(at, `${on.kind} ${shown} does not exist in database ${this.#declared.name}`);
      return undefined;
    }
    const key = objectsKey(on.schema, on.kind);
    const byName = this.#onNamed.get(key) ?? new Map<string, WantSet>();
    this.#onNamed.set(key, byName);
    const wants = byName.get(name) ?? new WantSet();
    byName.set(name, wants);
    return wants;
  }

  #privileges(kind: PrivilegeKind, asked: readonly Privilege[] | 'all', at: NamedAccess['at']): readonly Privilege[] {
    const possible = privilegesOf(kind, this.#major);
    if (asked === 'all') return possible;
    for (const privilege of asked.filter((each) => !possible.includes(each))) {
      this.#refusals.add(at, `PostgreSQL ${this.#major} has no privilege ${privilege} on a ${kind}; say if_server in a profile`);
    }
    return asked.filter((each) => possible.includes(each));
  }

  #keepForPublic(): void {
    for (const { on, privileges, at } of this.#document.public.keep) {
      const wants = privileges.map((privilege) => ({ grantee: PUBLIC, privilege, grantable: false }));
      if (on.kind === 'extension') this.#publicExtensions.add(on.name);
      else if (on.kind === 'schema') this.#schema(on.name, PUBLIC, privileges, false);
      else if (on.kind === 'database') {
        if (on.name === this.#declared.name) for (const want of wants) this.#onDatabase.add(want);
      } else if (this.#declared.schemas.has(on.schema)) {
        const target = this.#object(on, at);
        for (const want of wants) target?.add(want);
      }
    }
  }
}

function isInRange(major: number, range: ServerRange): boolean {
  switch (range.operator) {
    case '>=':
      return major >= range.major;
    case '<=':
      return major <= range.major;
    case '>':
      return major > range.major;
    case '<':
      return major < range.major;
    case '=':
      return major === range.major;
    default:
      return false;
  }
}
