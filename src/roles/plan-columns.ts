import { aclDifference, type AclDifference, type AclSubject } from './acl-difference.ts';
import type { PrivilegeChange } from './change.ts';
import type { Mode } from './document/document.ts';
import { sortPrivileges, type Privilege } from './privileges.ts';
import type { Acting } from './acting.ts';
import { granteeKey, relationKey, type AclEntry, type ColumnGroup } from './state.ts';
import type { WantSet } from './wants.ts';

/** Privileges on the columns of one relation, by column. */
export type ColumnAcls = ReadonlyMap<string, readonly AclEntry[]>;

/** The columns that have privileges of their own, by `relationKey`. */
export function columnAcls(groups: readonly ColumnGroup[]): ReadonlyMap<string, ColumnAcls> {
  const relations = new Map<string, Map<string, readonly AclEntry[]>>();
  for (const { schema, table, columns, acl } of groups) {
    const key = relationKey({ schema, name: table });
    const found = relations.get(key) ?? new Map<string, readonly AclEntry[]>();
    relations.set(key, found);
    for (const column of columns) found.set(column, acl);
  }
  return relations;
}

/** What the columns of one relation are planned from. */
export interface ColumnSubject extends AclSubject {
  readonly database: string;
  readonly schema: string;
  readonly table: string;
  readonly observed: ColumnAcls | undefined;
  readonly wanted: ReadonlyMap<string, WantSet> | undefined;
  /** What is about to be done to the whole relation. */
  readonly onWhole: readonly AclDifference[];
}

/**
 * The changes to privileges on columns.
 *
 * A REVOKE on the whole relation takes the same privilege, of the same grantor, from its columns too. It comes first, so what
 * it takes is looked on as gone: granted again where it is wanted, and not revoked twice.
 */
export function planColumns(
  subject: ColumnSubject,
  manages: (entry: AclEntry) => boolean,
  mode: Mode,
  acting: Acting,
): readonly PrivilegeChange[] {
  const { owner, acl, observed, wanted } = subject;
  const found = new Map<string, FoundColumns>();
  for (const column of new Set([...(observed?.keys() ?? []), ...(wanted?.keys() ?? [])])) {
    const own = (observed?.get(column) ?? []).flatMap((entry) => afterRevokes(entry, subject.onWhole));
    const differences = aclDifference({ owner, acl: own, support: acl }, wanted?.get(column)?.list() ?? [], manages, mode);
    for (const { privilege, ...rest } of differences) {
      const key = JSON.stringify([rest.action, granteeKey(rest.grantee), rest.grantable, rest.grantor, rest.depth]);
      const merged = found.get(key) ?? { ...rest, byPrivilege: new Map<Privilege, string[]>() };
      found.set(key, merged);
      const columns = merged.byPrivilege.get(privilege) ?? [];
      merged.byPrivilege.set(privilege, columns);
      columns.push(column);
    }
  }
  return [...found.values()].flatMap((each) => changesOf(subject, each, acting));
}

interface FoundColumns extends Omit<AclDifference, 'privilege'> {
  readonly byPrivilege: Map<Privilege, string[]>;
}

function afterRevokes(entry: AclEntry, onWhole: readonly AclDifference[]): readonly AclEntry[] {
  const hit = onWhole.find(
    (each) =>
      each.action !== 'grant' &&
      each.privilege === entry.privilege &&
      each.grantor === entry.grantor &&
      granteeKey(each.grantee) === granteeKey(entry.grantee),
  );
  if (hit === undefined) return [entry];
  return hit.action === 'revoke' ? [] : [{ ...entry, grantable: false }];
}

/** One change per set of columns. */
function changesOf(
  { database, schema, table, owner }: ColumnSubject,
  { byPrivilege, ...rest }: FoundColumns,
  acting: Acting,
): readonly PrivilegeChange[] {
  const bySameColumns = new Map<string, { readonly columns: readonly string[]; readonly privileges: Privilege[] }>();
  for (const [privilege, unsorted] of byPrivilege) {
    const columns = [...unsorted].sort();
    const key = JSON.stringify(columns);
    const before = bySameColumns.get(key);
    if (before === undefined) bySameColumns.set(key, { columns, privileges: [privilege] });
    else before.privileges.push(privilege);
  }
  const actAs = rest.grantor === owner ? undefined : rest.grantor;
  return [...bySameColumns.values()].map(({ columns, privileges }) => ({
    kind: 'privilege',
    database,
    on: { kind: 'column', schema, table, columns },
    ...rest,
    actAs,
    privileges: sortPrivileges(privileges),
    ...acting(schema, owner, actAs, rest.action),
  }));
}
