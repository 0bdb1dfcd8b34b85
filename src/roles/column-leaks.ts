import type { ColumnRule, DeclaredDatabase, RolesDocument } from './document/document.ts';
import type { Inheritance } from './inheritance.ts';
import { isOfForm } from './object-forms.ts';
import { objectIndex } from './object-index.ts';
import { privilegesOf, type Privilege } from './privileges.ts';
import type { Refusals } from './refusal.ts';
import type { ManagedScope } from './scope.ts';
import {
  granteeText,
  isRole,
  PUBLIC,
  relationKey,
  role,
  type ClusterState,
  type DatabaseState,
  type Grantee,
  type ObjectGroup,
} from './state.ts';
import { wholeKey, type WantedDatabase } from './wanted-database.ts';
import { objectsKey } from './wants.ts';

/** Predefined roles that have a privilege on every relation there is. */
const ON_EVERYTHING: Readonly<Record<string, readonly Privilege[]>> = {
  pg_read_all_data: ['SELECT'],
  pg_write_all_data: ['INSERT', 'UPDATE', 'DELETE'],
};

/**
 * Refuses a column rule that would not hold, because its role has the rest of the relation in another way: from the file
 * itself, by inheritance, as a member of a predefined role, as the owner or from PUBLIC. A rule that somebody believes in
 * and that is not in force is worse than none.
 */
export function refuseColumnLeaks(
  document: RolesDocument,
  declared: DeclaredDatabase,
  cluster: ClusterState,
  state: DatabaseState,
  wanted: WantedDatabase,
  scope: ManagedScope,
  inherited: Inheritance,
  refusals: Refusals,
): void {
  // Mode add takes nothing away and says so; what is there may well be more than the rule.
  if (declared.columns.length === 0 || document.mode === 'add') return;
  const index = objectIndex(state);
  for (const rule of declared.columns) {
    // A bare line adds columns to what there is and keeps nothing from anybody.
    if (rule.bare === true) continue;
    const group = index.find(rule.on.schema, 'table', rule.on.name);
    if (group === undefined || !isOfForm(group.form, rule.on.only)) continue;
    const privileges = rule.privileges === 'all' ? privilegesOf('column', cluster.major) : rule.privileges;
    for (const name of rule.to) {
      for (const privilege of privileges) {
        const leak = findLeak(new Leaks(inherited, state, wanted, scope, rule, group), inherited, name, privilege);
        if (leak !== undefined) {
          const relation = `${rule.on.schema}.${rule.on.name}`;
          refusals.add(rule.at, `columns of ${relation} for ${name} would not hold: ${leak}`);
        }
      }
    }
  }
}

function findLeak(leaks: Leaks, inherited: Inheritance, name: string, privilege: Privilege): string | undefined {
  for (const [through, path] of inherited.of(name)) {
    const why = leaks.reason(role(through), privilege, name);
    if (why !== undefined) return through === name ? `${name} ${why}` : `${path.join(' is a member of ')}, which ${why}`;
  }
  const why = leaks.reason(PUBLIC, privilege, name);
  return why === undefined ? undefined : `PUBLIC ${why}`;
}

class Leaks {
  readonly #inherited: Inheritance;
  readonly #state: DatabaseState;
  readonly #wanted: WantedDatabase;
  readonly #scope: ManagedScope;
  readonly #rule: ColumnRule;
  readonly #group: ObjectGroup;

  constructor(
    inherited: Inheritance,
    state: DatabaseState,
    wanted: WantedDatabase,
    scope: ManagedScope,
    rule: ColumnRule,
    group: ObjectGroup,
  ) {
    this.#inherited = inherited;
    this.#state = state;
    this.#wanted = wanted;
    this.#scope = scope;
    this.#rule = rule;
    this.#group = group;
  }

  /** Why `grantee` will have `privilege` on more than the columns of the rule for `name`. */
  reason(grantee: Grantee, privilege: Privilege, name: string): string | undefined {
    const onWhole = `has ${privilege} on the whole of it`;
    if (grantee.kind === 'role') {
      if (this.#inherited.isSuperuser(grantee.name)) return 'is a superuser';
      if (this.#group.owner === grantee.name) return 'owns it';
      if (ON_EVERYTHING[grantee.name]?.includes(privilege) === true) return `has ${privilege} on everything`;
    }
    if (this.#hasWhole(grantee, privilege)) return onWhole;
    const more = isRole(grantee, name) ? [] : this.#moreColumns(grantee, privilege, name);
    return more.length === 0 ? undefined : `has ${privilege} on ${more.join(', ')}`;
  }

  #hasWhole(grantee: Grantee, privilege: Privilege): boolean {
    const { schema, name } = this.#rule.on;
    const is = (each: { readonly grantee: Grantee; readonly privilege: Privilege }): boolean =>
      each.privilege === privilege && granteeText(each.grantee) === granteeText(grantee) && each.grantee.kind === grantee.kind;
    const key = objectsKey(schema, 'table');
    if (this.#wanted.onNamed.get(key)?.get(name)?.list().some(is) === true) return true;
    const isInstead = this.#wanted.onColumns.get(relationKey(this.#rule.on))?.insteadOf.has(wholeKey(grantee, privilege)) === true;
    const byWildcard = (this.#wanted.onAll.get(key) ?? []).some(
      (want) => is(want) && isOfForm(this.#group.form, want.only) && !want.except.has(name) && this.#group.extension === undefined,
    );
    return (byWildcard && !isInstead) || (!this.#isManaged(grantee) && this.#group.acl.some(is));
  }

  /** Columns that the rule keeps from `name` and `grantee` has. */
  #moreColumns(grantee: Grantee, privilege: Privilege, name: string): readonly string[] {
    const is = (who: Grantee) => (each: { readonly grantee: Grantee; readonly privilege: Privilege }) =>
      each.privilege === privilege && granteeText(each.grantee) === granteeText(who) && each.grantee.kind === who.kind;
    const wanted = [...(this.#wanted.onColumns.get(relationKey(this.#rule.on))?.byColumn ?? [])];
    const given = new Set(wanted.filter(([, wants]) => wants.list().some(is(role(name)))).map(([column]) => column));
    const theirs = wanted.filter(([, wants]) => wants.list().some(is(grantee))).map(([column]) => column);
    const { schema, name: table } = this.#rule.on;
    const kept = this.#isManaged(grantee)
      ? []
      : this.#state.columns
          .filter((each) => each.schema === schema && each.table === table && each.acl.some(is(grantee)))
          .flatMap((each) => each.columns);
    return [...new Set([...theirs, ...kept])].filter((column) => !given.has(column)).sort();
  }

  /** Whether what `grantee` has is taken away when the file does not say it. */
  #isManaged(grantee: Grantee): boolean {
    return (
      this.#scope.grantee(grantee) && this.#scope.schema(this.#state.name, this.#rule.on.schema) && this.#group.extension === undefined
    );
  }
}
