import { sortPrivileges, type Privilege } from '../privileges.ts';
import { granteeKey, isRole, type ClusterState, type DatabaseState, type Grantee, type OwnedAcl } from '../state.ts';
import { grantHead, type RawLine } from './lines.ts';
import { byText, nameText, objectText } from './object-text.ts';
import { speaksOf, type ImportOptions } from './options.ts';

/** Columns, each table by itself. */
export function columnLines(state: DatabaseState, options: ImportOptions): readonly RawLine[] {
  const merged = new Map<string, { readonly on: string; readonly line: AclLine; readonly columns: string[] }>();
  for (const group of state.columns) {
    const on = objectText('table', group.schema, group.table);
    for (const line of linesOf(group, options)) {
      const key = JSON.stringify([on, line.privileges, granteeKey(line.grantee), line.tail]);
      const found = merged.get(key) ?? { on, line, columns: [] };
      merged.set(key, found);
      found.columns.push(...group.columns);
    }
  }
  return [...merged.values()].map(({ on, line, columns }) => ({
    about: 'column',
    head: { ...grantHead(line.privileges), columns: [...columns].sort(byText) },
    on: [on],
    grantee: line.grantee,
    tail: line.tail,
  }));
}

/** Languages, foreign data wrappers and servers of a database. */
export function globalLines(state: DatabaseState, options: ImportOptions): readonly RawLine[] {
  return state.globals.filter((object) => object.canBeGranted).flatMap((object) => rawLines(object.kind, object.name, object, options));
}

export function tablespaceLines(cluster: ClusterState, options: ImportOptions): readonly RawLine[] {
  return [...cluster.tablespaces].flatMap(([name, subject]) => rawLines('tablespace', name, subject, options));
}

/** For `parameters:`, where the name stands alone. */
export function parameterLines(cluster: ClusterState, options: ImportOptions): readonly RawLine[] {
  return [...cluster.parameters].flatMap(([name, subject]) =>
    rawLines('parameter', name, subject, options).map((line) => ({ ...line, on: [name] })),
  );
}

function rawLines(kind: string, name: string, subject: OwnedAcl, options: ImportOptions): readonly RawLine[] {
  return linesOf(subject, options).map(({ privileges, grantee, tail }) => ({
    about: kind,
    head: grantHead(privileges),
    on: [`${kind} ${nameText(name)}`],
    grantee,
    tail,
  }));
}

interface AclLine {
  readonly grantee: Grantee;
  readonly privileges: readonly Privilege[];
  readonly tail: RawLine['tail'];
}

function linesOf({ owner, acl }: OwnedAcl, options: ImportOptions): readonly AclLine[] {
  const found = new Map<string, AclLine & { readonly privileges: Privilege[] }>();
  for (const { grantee, privilege, grantable, grantor } of acl) {
    if (!speaksOf(options, grantee) || isRole(grantee, owner)) continue;
    const tail = { with_grant_option: grantable ? true : undefined, granted_by: grantor === owner ? undefined : grantor };
    const key = JSON.stringify([granteeKey(grantee), tail]);
    const line = found.get(key) ?? { grantee, privileges: new Array<Privilege>(), tail };
    found.set(key, line);
    line.privileges.push(privilege);
  }
  return [...found.values()].map((line) => ({ ...line, privileges: sortPrivileges(line.privileges) }));
}
