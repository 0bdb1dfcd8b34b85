import type {
  BareRule,
  ColumnRule,
  DeclaredDatabase,
  FutureAccess,
  NamedAccess,
  ObjectName,
  Position,
  ProfileAccess,
  ProfilePart,
  RolesDocument,
  ServerRange,
} from './document/document.ts';
import { isAboutNewObjects } from './document/parse-access.ts';
import { isOfForm, type NarrowForm } from './object-forms.ts';
import { objectIndex, type ObjectIndex } from './object-index.ts';
import { privilegesOf, type GlobalKind, type Privilege, type PrivilegeKind } from './privileges.ts';
import type { Refusals } from './refusal.ts';
import {
  granteeKey,
  PUBLIC,
  relationKey,
  role,
  routineKey,
  type ClusterState,
  type DatabaseState,
  type DefaultEntry,
  type Grantee,
} from './state.ts';
import { objectsKey, WantSet, wantsUnder, type Want, type WildcardWant } from './wants.ts';

/** What the file says about one database. Objects are still spoken of by rule, not one by one. */
export interface WantedDatabase {
  readonly name: string;
  readonly onDatabase: WantSet;
  readonly onSchemas: ReadonlyMap<string, WantSet>;
  /** By schema and kind, see {@link objectsKey}: what every object gets, less those excepted. */
  readonly onAll: ReadonlyMap<string, readonly WildcardWant[]>;
  /** By schema and kind, then by name. */
  readonly onNamed: ReadonlyMap<string, ReadonlyMap<string, WantSet>>;
  /** By `relationKey`. */
  readonly onColumns: ReadonlyMap<string, WantedColumns>;
  /** By {@link globalKey}. */
  readonly onGlobals: ReadonlyMap<string, WantSet>;
  readonly defaults: readonly DefaultEntry[];
  /** Whose default privileges the file speaks of. */
  readonly creators: ReadonlySet<string>;
  /** Extensions whose routines PUBLIC keeps. */
  readonly publicExtensions: ReadonlySet<string>;
}

/** What the file says about the columns of one relation. */
export interface WantedColumns {
  readonly schema: string;
  readonly table: string;
  readonly byColumn: Map<string, WantSet>;
  /** {@link wholeKey}s of what is not to be had on the whole relation, because columns say it better. */
  readonly insteadOf: Set<string>;
}

/** Every table has these; they can be granted, and are part of no `deny`. */
const SYSTEM_COLUMNS: readonly string[] = ['tableoid', 'xmin', 'cmin', 'xmax', 'cmax', 'ctid'];

export function wholeKey(grantee: Grantee, privilege: Privilege): string {
  return `${privilege} ${granteeKey(grantee)}`;
}

/** The key of {@link WantedDatabase.onGlobals}. */
export function globalKey(kind: GlobalKind, name: string): string {
  return `${kind} ${name}`;
}

/** The part of the file about `declared`, with privileges resolved for the server's major. */
export function wantedDatabase(
  document: RolesDocument,
  declared: DeclaredDatabase,
  state: DatabaseState,
  cluster: ClusterState,
  refusals: Refusals,
): WantedDatabase {
  return new Builder(document, declared, state, cluster, refusals).build();
}

class Builder {
  readonly #document: RolesDocument;
  readonly #declared: DeclaredDatabase;
  readonly #state: DatabaseState;
  readonly #cluster: ClusterState;
  readonly #refusals: Refusals;
  readonly #index: ObjectIndex;
  readonly #onDatabase = new WantSet();
  readonly #onSchemas = new Map<string, WantSet>();
  readonly #onAll = new Map<string, WildcardWant[]>();
  readonly #onNamed = new Map<string, Map<string, WantSet>>();
  readonly #onColumns = new Map<string, WantedColumns>();
  readonly #onGlobals = new Map<string, WantSet>();
  readonly #defaults = new Map<string, DefaultEntry>();
  readonly #creators = new Set<string>();
  readonly #publicExtensions = new Set<string>();
  readonly #implied: { readonly wants: WantSet; readonly want: Want }[] = [];

  constructor(document: RolesDocument, declared: DeclaredDatabase, state: DatabaseState, cluster: ClusterState, refusals: Refusals) {
    this.#document = document;
    this.#declared = declared;
    this.#state = state;
    this.#cluster = cluster;
    this.#refusals = refusals;
    this.#index = objectIndex(state);
  }

  build(): WantedDatabase {
    for (const name of this.#declared.connect) this.#onDatabase.add(this.#want(role(name), 'CONNECT'));
    for (const schema of this.#declared.schemas.values()) {
      // Where everything is declared, an owner has no more than is said.
      if (schema.owner !== undefined && this.#document.public.preset !== 'declared') this.#connect(schema.owner);
      for (const creator of schema.creators) {
        this.#creators.add(creator);
        this.#connect(creator);
        if (!this.#document.roles.has(creator)) continue;
        for (const privilege of ['USAGE', 'CREATE'] as const) this.#imply(wantsUnder(this.#onSchemas, schema.name), creator, privilege);
      }
    }
    for (const rule of this.#declared.access) {
      if (rule.kind === 'profile') this.#profile(rule);
      else if (rule.kind === 'named') this.#named(rule);
      else this.#future(rule);
    }
    for (const rule of this.#declared.columns) this.#columns(rule);
    if (this.#document.public.preset !== 'as-is') this.#keepForPublic();
    this.#addImplied();
    return {
      name: this.#declared.name,
      onDatabase: this.#onDatabase,
      onSchemas: this.#onSchemas,
      onAll: this.#onAll,
      onNamed: this.#onNamed,
      onColumns: this.#onColumns,
      onGlobals: this.#onGlobals,
      defaults: [...this.#defaults.values()],
      creators: this.#creators,
      publicExtensions: this.#publicExtensions,
    };
  }

  #imply(wants: WantSet, name: string, privilege: Privilege): void {
    this.#implied.push({ wants, want: this.#want(role(name), privilege) });
  }

  /** The way to an object is open where the file lets PUBLIC go it: then nobody needs it for himself. */
  #addImplied(): void {
    const isDeclared = this.#document.public.preset === 'declared';
    for (const { wants, want } of this.#implied) {
      const isOpen = wants.list().some(({ grantee, privilege }) => grantee.kind === 'public' && privilege === want.privilege);
      if (!isDeclared || !isOpen) wants.add(want);
    }
  }

  #want(grantee: Grantee, privilege: Privilege, grantable = false, grantor?: string): Want {
    return { grantee, privilege, grantable, ...(grantor === undefined ? {} : { grantor }) };
  }

  #wants(rule: BareRule & { readonly grantable: boolean }, grantee: Grantee, privileges: readonly Privilege[]): readonly Want[] {
    return privileges.map((privilege) => this.#want(grantee, privilege, rule.grantable, rule.grantedBy));
  }

  /** Only declared roles: an owner or creator from outside has its own arrangements. */
  #connect(name: string): void {
    if (this.#document.roles.has(name)) this.#imply(this.#onDatabase, name, 'CONNECT');
  }

  #schema(schema: string, wants: readonly Want[]): void {
    const set = wantsUnder(this.#onSchemas, schema);
    for (const want of wants) set.add(want);
  }

  /** What a line of access brings along: the way to the object. A bare line brings nothing. */
  #reach(rule: BareRule, name: string, schema: string | undefined): void {
    if (rule.bare === true) return;
    this.#connect(name);
    if (schema !== undefined) this.#imply(wantsUnder(this.#onSchemas, schema), name, 'USAGE');
  }

  #profile(rule: ProfileAccess): void {
    this.#checkExcept(rule);
    for (const name of rule.to) {
      for (const schema of rule.schemas) {
        this.#reach(rule, name, schema);
        for (const part of rule.parts) this.#profilePart(rule, part, schema, granteeOf(rule, name));
      }
    }
  }

  /** A misspelt exception would be an open door. */
  #checkExcept(rule: ProfileAccess): void {
    for (const { schema, name } of rule.except) {
      if (!rule.schemas.includes(schema) || !this.#state.schemas.has(schema)) continue;
      const isThere = rule.parts.some((part) => isSchemaKind(part.kind) && this.#index.hasName(schema, part.kind, name));
      if (!isThere) this.#refusals.add(rule.at, `except: there is no ${schema}.${name} in database ${this.#declared.name} to leave out`);
    }
  }

  #profilePart(rule: ProfileAccess, part: ProfilePart, schema: string, grantee: Grantee): void {
    if (part.servers !== undefined && !isInRange(this.#cluster.major, part.servers)) return;
    const privileges = this.#privileges(part.kind, part.privileges, part.at);
    if (part.kind === 'schema') return this.#schema(schema, this.#wants(rule, grantee, privileges));
    if (!isSchemaKind(part.kind)) return;
    const except = new Set(rule.except.filter((each) => each.schema === schema).map((each) => each.name));
    const key = objectsKey(schema, part.kind);
    const wants = this.#onAll.get(key) ?? [];
    this.#onAll.set(key, wants);
    for (const want of this.#wants(rule, grantee, privileges)) wants.push({ ...want, except, only: part.only });
    if (!isAboutNewObjects(part)) return;
    for (const creator of rule.by ?? this.#declared.schemas.get(schema)?.creators ?? []) {
      for (const privilege of privileges) this.#default({ creator, schema, of: part.kind, grantee, privilege, grantable: rule.grantable });
    }
  }

  #future(rule: FutureAccess): void {
    const privileges = this.#privileges(rule.of, rule.privileges, rule.at);
    for (const creator of rule.by) {
      this.#creators.add(creator);
      for (const name of rule.to) {
        for (const privilege of privileges) {
          const grantee = granteeOf(rule, name);
          this.#default({ creator, schema: rule.schema, of: rule.of, grantee, privilege, grantable: rule.grantable });
        }
      }
    }
  }

  #default(entry: DefaultEntry): void {
    if (entry.grantee.kind === 'role' && entry.grantee.name === entry.creator) return;
    const key = JSON.stringify([entry.creator, entry.schema, entry.of, entry.grantee, entry.privilege]);
    const before = this.#defaults.get(key);
    this.#defaults.set(key, before === undefined ? entry : { ...entry, grantable: before.grantable || entry.grantable });
  }

  #named(rule: NamedAccess): void {
    const { on } = rule;
    const privileges = this.#privileges(on.kind, rule.privileges, rule.at);
    const schema = 'schema' in on ? on.schema : undefined;
    for (const name of rule.to) {
      const wants = this.#wants(rule, granteeOf(rule, name), privileges);
      if (on.kind !== 'database' && on.kind !== 'tablespace') this.#reach(rule, name, schema);
      this.#on(on, rule.at, wants);
    }
  }

  /** Adds `wants` to what `on` names. A tablespace belongs to the cluster: see `planShared`. */
  #on(on: ObjectName, at: Position, wants: readonly Want[]): void {
    if (on.kind === 'tablespace') return;
    if (on.kind === 'schema') return this.#schema(on.name, wants);
    const target = on.kind === 'database' ? this.#onDatabase : 'schema' in on ? this.#object(on, at) : this.#global(on.kind, on.name, at);
    for (const want of wants) target?.add(want);
  }

  #global(kind: GlobalKind, name: string, at: Position): WantSet | undefined {
    const found = this.#state.globals.find((each) => each.kind === kind && each.name === name);
    if (found?.canBeGranted === true) return wantsUnder(this.#onGlobals, globalKey(kind, name));
    this.#refusals.add(
      at,
      found === undefined
        ? `${kind} ${name} does not exist in database ${this.#declared.name}`
        : `${kind} ${name} is not trusted: the server lets nobody but superusers use it`,
    );
    return undefined;
  }

  /** The wants of one object, or undefined after refusing because there is no such object. */
  #object(on: Extract<ObjectName, { schema: string }>, at: Position): WantSet | undefined {
    const name = on.kind === 'routine' ? this.#state.routines.get(routineKey(on)) : on.name;
    if (name === undefined || !this.#exists(on, name, at)) {
      if (name === undefined) this.#refuseMissing(on, at);
      return undefined;
    }
    const key = objectsKey(on.schema, on.kind);
    const byName = this.#onNamed.get(key) ?? new Map<string, WantSet>();
    this.#onNamed.set(key, byName);
    return wantsUnder(byName, name);
  }

  #exists(on: Extract<ObjectName, { schema: string }>, name: string, at: Position): boolean {
    const found = this.#index.find(on.schema, on.kind, name);
    if (found === undefined) this.#refuseMissing(on, at);
    else if (!isOfForm(found.form, on.only)) this.#refusals.add(at, `${shown(on)} is a ${found.form}, not a ${on.only ?? on.kind}`);
    return found !== undefined && isOfForm(found.form, on.only);
  }

  #refuseMissing(on: Extract<ObjectName, { schema: string }>, at: Position): void {
    this.#refusals.add(at, `${on.only ?? on.kind} ${shown(on)} does not exist in database ${this.#declared.name}`);
  }

  #columns(rule: ColumnRule): void {
    const privileges = this.#privileges('column', rule.privileges, rule.at);
    const columns = this.#columnsOf(rule);
    if (columns === undefined) return;
    const key = relationKey(rule.on);
    const wanted = this.#onColumns.get(key) ?? {
      schema: rule.on.schema,
      table: rule.on.name,
      byColumn: new Map<string, WantSet>(),
      insteadOf: new Set<string>(),
    };
    this.#onColumns.set(key, wanted);
    for (const name of rule.to) {
      this.#reach(rule, name, rule.on.schema);
      const grantee = granteeOf(rule, name);
      for (const privilege of privileges) {
        if (rule.bare !== true) wanted.insteadOf.add(wholeKey(grantee, privilege));
        for (const column of columns)
          wantsUnder(wanted.byColumn, column).add(this.#want(grantee, privilege, rule.grantable, rule.grantedBy));
      }
    }
  }

  /** The columns a rule gives. A misspelt one in `deny` would be an open one, so each must be there. */
  #columnsOf({ on, at, rule, columns }: ColumnRule): readonly string[] | undefined {
    if (!this.#exists(on, on.name, at)) return undefined;
    const there = this.#state.relationColumns.get(relationKey(on)) ?? [];
    const known = rule === 'allow' ? [...there, ...SYSTEM_COLUMNS] : there;
    const missing = columns.filter((column) => !known.includes(column));
    for (const column of missing) this.#refusals.add(at, `columns: ${shown(on)} has no column ${column}`);
    return rule === 'allow' ? columns.filter((column) => known.includes(column)) : there.filter((column) => !columns.includes(column));
  }

  #privileges(kind: PrivilegeKind, asked: readonly Privilege[] | 'all', at: Position): readonly Privilege[] {
    const { major } = this.#cluster;
    const possible = privilegesOf(kind, major);
    if (asked === 'all') return possible;
    for (const privilege of asked.filter((each) => !possible.includes(each))) {
      this.#refusals.add(at, `PostgreSQL ${major} has no privilege ${privilege} on a ${kind}; say if_server in a profile`);
    }
    return asked.filter((each) => possible.includes(each));
  }

  #keepForPublic(): void {
    for (const { on, privileges, at } of this.#document.public.keep) {
      if (on.kind === 'extension') this.#publicExtensions.add(on.name);
      else if (this.#isHere(on))
        this.#on(
          on,
          at,
          privileges.map((privilege) => this.#want(PUBLIC, privilege)),
        );
    }
  }

  /** `keep` stands outside the databases, so a line may be about another one. */
  #isHere(on: ObjectName): boolean {
    if (on.kind === 'database') return on.name === this.#declared.name;
    if ('schema' in on) return this.#declared.schemas.has(on.schema);
    if (on.kind === 'schema' || on.kind === 'tablespace') return true;
    return this.#document.databases.size === 1 || this.#state.globals.some((each) => each.kind === on.kind && each.name === on.name);
  }
}

/** Under `grants`, `public` is PUBLIC; anywhere else it is refused before this. */
export function granteeOf(rule: BareRule, name: string): Grantee {
  return rule.bare === true && name === 'public' ? PUBLIC : role(name);
}

function isSchemaKind(kind: PrivilegeKind): kind is 'table' | 'sequence' | 'routine' | 'type' {
  return kind === 'table' || kind === 'sequence' || kind === 'routine' || kind === 'type';
}

function shown(on: {
  readonly schema: string;
  readonly name: string;
  readonly argumentTypes?: string;
  readonly only?: NarrowForm;
}): string {
  return `${on.schema}.${on.name}${on.argumentTypes === undefined ? '' : `(${on.argumentTypes})`}`;
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
