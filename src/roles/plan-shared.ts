import { aclDifference } from './acl-difference.ts';
import type { PrivilegeChange } from './change.ts';
import type { BareRule, Position, RolesDocument } from './document/document.ts';
import { Inheritance } from './inheritance.ts';
import { privilegeChanges } from './privilege-changes.ts';
import { privilegesOf, type Privilege } from './privileges.ts';
import type { Refusals } from './refusal.ts';
import type { ManagedScope } from './scope.ts';
import { PUBLIC, type ClusterState, type Grantee, type OwnedAcl } from './state.ts';
import { granteeOf } from './wanted-database.ts';
import { wantsUnder, type Want, type WantSet } from './wants.ts';

const FIRST_MAJOR_WITH_PARAMETERS = 15;

/** The changes to privileges on what databases share: tablespaces and configuration parameters. */
export function planShared(
  document: RolesDocument,
  cluster: ClusterState,
  scope: ManagedScope,
  refusals: Refusals,
): readonly PrivilegeChange[] {
  const tablespaces = wantedTablespaces(document, cluster, refusals);
  const parameters = wantedParameters(document, cluster, refusals);
  const inherited = new Inheritance(document, cluster, scope);
  const plan = (
    kind: 'tablespace' | 'parameter',
    name: string,
    subject: OwnedAcl,
    wants: WantSet | undefined,
  ): readonly PrivilegeChange[] => {
    const differences = aclDifference(subject, wants?.list() ?? [], (entry) => scope.grantee(entry.grantee), document.mode);
    return privilegeChanges(undefined, { kind, name }, subject.owner, differences, inherited);
  };
  const named = new Set([...cluster.parameters.keys(), ...parameters.keys()]);
  return [
    ...[...cluster.tablespaces].flatMap(([name, subject]) => plan('tablespace', name, subject, tablespaces.get(name))),
    ...[...named].flatMap((name) => {
      const subject = cluster.parameters.get(name) ?? { owner: cluster.bootstrapSuperuser, acl: [] };
      return plan('parameter', name, subject, parameters.get(name));
    }),
  ];
}

/** A tablespace is written under a database that uses it and belongs to them all: the lines of every database count. */
function wantedTablespaces(document: RolesDocument, cluster: ClusterState, refusals: Refusals): ReadonlyMap<string, WantSet> {
  const wanted = new Map<string, WantSet>();
  const add = (name: string, at: Position, wants: readonly Want[]): void => {
    if (!cluster.tablespaces.has(name)) return refusals.add(at, `tablespace ${name} does not exist`);
    const set = wantsUnder(wanted, name);
    for (const want of wants) set.add(want);
  };
  for (const rule of [...document.databases.values()].flatMap((database) => database.access)) {
    if (rule.kind !== 'named' || rule.on.kind !== 'tablespace') continue;
    const privileges = rule.privileges === 'all' ? privilegesOf('tablespace') : rule.privileges;
    for (const name of rule.to) {
      add(rule.on.name, rule.at, wantsOf(granteeOf(rule, name), privileges, rule));
    }
  }
  if (document.public.preset !== 'as-is') {
    for (const { on, privileges, at } of document.public.keep) {
      if (on.kind === 'tablespace') add(on.name, at, wantsOf(PUBLIC, privileges, { grantable: false }));
    }
  }
  return wanted;
}

function wantedParameters(document: RolesDocument, cluster: ClusterState, refusals: Refusals): ReadonlyMap<string, WantSet> {
  const wanted = new Map<string, WantSet>();
  for (const rule of document.parameters) {
    const { at, privileges, parameters, to } = rule;
    if (cluster.major < FIRST_MAJOR_WITH_PARAMETERS) {
      refusals.add(at, `privileges on parameters need PostgreSQL ${FIRST_MAJOR_WITH_PARAMETERS} or later and this is ${cluster.major}`);
      continue;
    }
    for (const parameter of parameters) {
      // One with a dot may belong to an extension that is not loaded here.
      if (!parameter.includes('.') && !cluster.settingTypes.has(parameter))
        refusals.add(at, `PostgreSQL ${cluster.major} has no parameter ${parameter}`);
      const set = wantsUnder(wanted, parameter);
      const asked = privileges === 'all' ? privilegesOf('parameter', cluster.major) : privileges;
      for (const name of to) for (const want of wantsOf(granteeOf(rule, name), asked, rule)) set.add(want);
    }
  }
  return wanted;
}

function wantsOf(
  grantee: Grantee,
  privileges: readonly Privilege[],
  { grantable, grantedBy }: BareRule & { readonly grantable: boolean },
): readonly Want[] {
  const by = grantedBy === undefined ? {} : { grantor: grantedBy };
  return privileges.map((privilege) => ({ grantee, privilege, grantable, ...by }));
}
