import type { Change } from './change.ts';
import type { RoleAttribute } from './document/document.ts';
import { isLifecycleChange, type LifecycleChange } from './lifecycle-change.ts';
import { DATABASE_OWNER } from './predefined.ts';
import type { Powers } from './powers.ts';
import { relationKey, type ClusterState, type ObservedState } from './state.ts';

/** Something that a role must have to make a change, on 16 and later. */
export type Requirement =
  /** Only a superuser may; `why` says what. */
  | { readonly kind: 'superuser'; readonly why: string }
  | { readonly kind: 'attribute'; readonly attribute: 'createrole' | 'createdb' | 'replication' | 'bypassrls' }
  /** ADMIN OPTION on the role. */
  | { readonly kind: 'admin'; readonly role: string }
  /** The privileges of the role: membership that inherits. `of` is what it owns, in `database` where it lies in one. */
  | { readonly kind: 'has'; readonly role: string; readonly of: string; readonly database?: string }
  | { readonly kind: 'become'; readonly role: string }
  | { readonly kind: 'create-in-database'; readonly database: string }
  /** SET on a parameter that users may not set. */
  | { readonly kind: 'set-parameter'; readonly name: string };

const GUARDED: readonly RoleAttribute[] = ['createdb', 'replication', 'bypassrls'];

/** What `change` needs. Roles that are made by the same plan need nothing more. */
export function requirementsOf(change: Change, observed: ObservedState, created: ReadonlySet<string>): readonly Requirement[] {
  if (isLifecycleChange(change)) return lifecycleRequirements(change, observed);
  const { cluster } = observed;
  const administer = (role: string): readonly Requirement[] => (created.has(role) ? [] : administration(role, cluster));
  switch (change.kind) {
    case 'create-role':
      return [{ kind: 'attribute', attribute: 'createrole' }, ...attributes(change.role, change.attributes, undefined)];
    case 'alter-role':
      return [
        { kind: 'attribute', attribute: 'createrole' },
        ...administer(change.role),
        ...attributes(change.role, change.attributes, change.was.attributes),
      ];
    case 'comment-role':
    case 'password':
      return [{ kind: 'attribute', attribute: 'createrole' }, ...administer(change.role)];
    case 'grant-membership':
      return [
        ...administer(change.role),
        ...(change.grantor === undefined || created.has(change.grantor)
          ? []
          : [{ kind: 'has', role: change.grantor, of: `the membership of ${change.member} in ${change.role}` } as const]),
      ];
    case 'revoke-membership':
      return change.grantor === undefined
        ? []
        : [{ kind: 'has', role: change.grantor, of: `the membership of ${change.member} in ${change.role}` }];
    case 'setting': {
      const isGuarded = cluster.settingTypes.get(change.name)?.needsGrant === true;
      const set: readonly Requirement[] = isGuarded ? [{ kind: 'set-parameter', name: change.name }] : [];
      if (change.role === undefined) return [...ownerOfDatabase(change.database ?? '', cluster), ...set];
      return [{ kind: 'attribute', attribute: 'createrole' }, ...administer(change.role), ...set];
    }
    case 'create-schema':
      return [
        { kind: 'create-in-database', database: change.database },
        { kind: 'become', role: change.owner },
      ];
    case 'own-schema':
      return [
        { kind: 'has', role: change.was, of: `schema ${change.schema}`, database: change.database },
        { kind: 'become', role: change.owner },
        { kind: 'create-in-database', database: change.database },
      ];
    case 'own-database':
      return [
        { kind: 'has', role: change.was, of: `database ${change.database}` },
        { kind: 'become', role: change.owner },
        { kind: 'attribute', attribute: 'createdb' },
      ];
    case 'own-objects':
      return [
        { kind: 'has', role: change.was, of: `${change.of}s in ${change.schema}`, database: change.database },
        { kind: 'become', role: change.owner },
        ...(change.lentBy === undefined || created.has(change.lentBy)
          ? []
          : [{ kind: 'has', role: change.lentBy, of: `schema ${change.schema}`, database: change.database } as const]),
      ];
    case 'default':
      return [{ kind: 'has', role: change.creator, of: 'its default privileges' }];
    case 'privilege':
      return change.actAs === undefined ? ownerOfObject(change, observed) : [{ kind: 'become', role: change.actAs }];
    default:
      return [];
  }
}

function administration(role: string, cluster: ClusterState): readonly Requirement[] {
  if (cluster.roles.get(role)?.attributes.superuser === true) return [{ kind: 'superuser', why: `role ${role} is a superuser` }];
  return [{ kind: 'admin', role }];
}

function attributes(
  role: string,
  wanted: Readonly<Partial<Record<RoleAttribute, boolean>>>,
  was: Readonly<Partial<Record<RoleAttribute, boolean>>> | undefined,
): readonly Requirement[] {
  const differs = (attribute: RoleAttribute): boolean =>
    wanted[attribute] !== undefined && wanted[attribute] !== (was?.[attribute] ?? false);
  const guarded = GUARDED.filter(differs).map((attribute) => ({ kind: 'attribute', attribute }) as Requirement);
  return differs('superuser') ? [{ kind: 'superuser', why: `role ${role} is made or unmade a superuser` }, ...guarded] : guarded;
}

function ownerOfDatabase(database: string, cluster: ClusterState): readonly Requirement[] {
  const owner = cluster.databases.get(database)?.owner;
  return owner === undefined ? [] : [{ kind: 'has', role: owner, of: `database ${database}` }];
}

/** A grant is made with the privileges of the object's owner, whoever sends it. */
function ownerOfObject({ on, database }: Extract<Change, { kind: 'privilege' }>, observed: ObservedState): readonly Requirement[] {
  const { cluster } = observed;
  const state = database === undefined ? undefined : observed.databases.get(database);
  const place = database === undefined ? {} : { database };
  switch (on.kind) {
    case 'database':
      return ownerOfDatabase(on.name, cluster);
    case 'parameter':
      return [{ kind: 'superuser', why: `privileges on parameter ${on.name} are the bootstrap superuser's to give` }];
    case 'tablespace': {
      const owner = cluster.tablespaces.get(on.name)?.owner;
      return owner === undefined ? [] : [{ kind: 'has', role: owner, of: `tablespace ${on.name}` }];
    }
    case 'schema': {
      const owner = state?.schemas.get(on.name)?.owner;
      return owner === undefined ? [] : [{ kind: 'has', role: owner, of: `schema ${on.name}`, ...place }];
    }
    case 'language':
    case 'foreign data wrapper':
    case 'server': {
      const owner = state?.globals.find((each) => each.kind === on.kind && each.name === on.name)?.owner;
      return owner === undefined ? [] : [{ kind: 'has', role: owner, of: `${on.kind} ${on.name}`, ...place }];
    }
    case 'column': {
      const group = state?.groups.find(({ schema, kind, names }) => schema === on.schema && kind === 'table' && names.includes(on.table));
      return group === undefined ? [] : [{ kind: 'has', role: group.owner, of: `${on.schema}.${on.table}`, ...place }];
    }
    case 'table':
    case 'sequence':
    case 'routine':
    case 'type': {
      const names = new Set(on.names);
      const groups = (state?.groups ?? []).filter((group) => group.schema === on.schema && group.kind === on.kind);
      const owners = groups.filter((group) => on.all || group.names.some((name) => names.has(name))).map((group) => group.owner);
      return [...new Set(owners)].map((role) => ({ kind: 'has', role, of: `${on.kind}s in ${on.schema}`, ...place }));
    }
  }
}

function lifecycleRequirements(change: LifecycleChange, { cluster, rowSecurity }: ObservedState): readonly Requirement[] {
  switch (change.kind) {
    case 'row-security':
    case 'create-policy':
    case 'alter-policy':
    case 'drop-policy': {
      const owner = rowSecurity.get(change.database)?.tables.get(relationKey({ schema: change.schema, name: change.table }))?.owner;
      return owner === undefined
        ? []
        : [{ kind: 'has', role: owner, of: `table ${change.schema}.${change.table}`, database: change.database }];
    }
    case 'retire-sessions':
      return [{ kind: 'has', role: change.role, of: 'its sessions' }];
    case 'retire-owned':
      return [
        { kind: 'has', role: change.role, of: 'what it owns' },
        ...(change.reassignTo === undefined ? [] : [{ kind: 'has', role: change.reassignTo, of: 'what it is given' } as const]),
      ];
    case 'retire-login':
    case 'drop-role':
      return [{ kind: 'attribute', attribute: 'createrole' }, ...administration(change.role, cluster)];
  }
}

/** Whether `powers` has what is required. */
export function isHeld(requirement: Requirement, powers: Powers, { cluster }: ObservedState): boolean {
  if (powers.isSuperuser) return true;
  switch (requirement.kind) {
    case 'superuser':
      return false;
    case 'attribute':
      return cluster.roles.get(powers.role)?.attributes[requirement.attribute] === true;
    case 'admin':
      return powers.administratorOf(requirement.role) !== undefined;
    case 'has':
      return powers.has(requirement.role) || (requirement.role === DATABASE_OWNER && owns(requirement.database, powers, cluster));
    case 'become':
      return powers.canBecome(requirement.role);
    case 'create-in-database':
      return mayCreateIn(requirement.database, powers, cluster);
    case 'set-parameter':
      return cluster.settingTypes.get(requirement.name)?.needsGrant !== true;
  }
}

function owns(database: string | undefined, powers: Powers, cluster: ClusterState): boolean {
  const owner = database === undefined ? undefined : cluster.databases.get(database)?.owner;
  return owner !== undefined && powers.has(owner);
}

function mayCreateIn(database: string, powers: Powers, cluster: ClusterState): boolean {
  const found = cluster.databases.get(database);
  if (found === undefined) return false;
  if (powers.has(found.owner)) return true;
  return found.acl.some(({ grantee, privilege }) => privilege === 'CREATE' && (grantee.kind === 'public' || powers.has(grantee.name)));
}
