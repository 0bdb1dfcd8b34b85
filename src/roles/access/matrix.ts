import { MarkedCells, RANK, type CellTexts } from './matrix-cell.ts';
import type { MatrixReach } from './matrix-reach.ts';
import { relationKey, type AccessDatabase, type AccessEntry, type AccessGraph, type AccessGroup, type AccessPrivilege } from './graph.ts';
import { accessPrivileges, isColumnPrivilege, isDenied, predefinedRoles } from './privilege-table.ts';
import { isServersOwn } from './role-access.ts';

/** Objects of one kind with which every role may do the same. */
export interface MatrixObjects extends Pick<AccessGroup, 'kind' | 'schema' | 'owner' | 'names'> {
  /** Policies decide about its rows. */
  readonly rowSecurity: boolean;
  /** By role: the number of the cell's text, which has a mark for each of the kind's privileges. */
  readonly cells: Uint32Array;
}

/**
 * What every role may do with every object of `database` and with what belongs to the whole cluster; the server's own schemas
 * and other databases are left out.
 *
 * The same as {@link holds} for each of them, and {@link effective} for what comes after SET ROLE, computed the other way round:
 * from each entry to those who have it, so that the time goes with the entries and not with roles × objects × privileges.
 */
export function accessMatrix(
  graph: AccessGraph,
  database: string,
  reach: MatrixReach,
  texts: CellTexts,
  isWanted: (group: AccessGroup) => boolean = () => true,
): readonly MatrixObjects[] {
  const inside = graph.databases.get(database);
  const shared = graph.shared.filter((group) => group.kind !== 'database' || group.names.includes(database));
  const groups = [...shared, ...(inside?.groups ?? [])].filter((group) => !isServersOwn(group));
  const usage = schemaUsage(groups, graph.major, reach);
  return groups.filter(isWanted).flatMap((group) => {
    const privileges = accessPrivileges(group.kind, graph.major);
    return partsOf(group, inside).map(({ names, columns, policies }): MatrixObjects => {
      const cells = markEntries(group, columns, privileges, reach);
      const open = group.schema === undefined ? undefined : usage.get(group.schema);
      markBecoming(cells, privileges.length, reach, open);
      markLimits(cells, reach, open, policies === undefined ? undefined : exempt(group, policies, reach));
      const { kind, schema, owner } = group;
      return { kind, schema, owner, names, rowSecurity: policies !== undefined, cells: numbered(cells, privileges.length, reach, texts) };
    });
  });
}

interface Part {
  readonly names: readonly string[];
  readonly columns: readonly AccessEntry[];
  readonly policies: { readonly forced: boolean } | undefined;
}

/** A group by what its own list does not say: privileges on columns, and policies about rows. */
function partsOf(group: AccessGroup, inside: AccessDatabase | undefined): readonly Part[] {
  const alone: Part = { names: group.names, columns: [], policies: undefined };
  if (group.kind !== 'table' || inside === undefined) return [alone];
  const { columns, policies } = relationsOf(inside);
  if (columns.size === 0 && policies.size === 0) return [alone];
  const parts = new Map<string, Part & { readonly names: string[] }>();
  for (const name of group.names) {
    const key = relationKey({ schema: group.schema ?? '', name });
    const [own, rows] = [columns.get(key), policies.get(key)];
    const like = own === undefined ? `like ${String(rows?.forced)}` : key;
    const part = parts.get(like) ?? { names: [], columns: own ?? [], policies: rows };
    parts.set(like, part);
    part.names.push(name);
  }
  return [...parts.values()];
}

interface Relations {
  readonly columns: ReadonlyMap<string, readonly AccessEntry[]>;
  readonly policies: ReadonlyMap<string, { readonly forced: boolean }>;
}

const relations = new WeakMap<AccessDatabase, Relations>();

function relationsOf(inside: AccessDatabase): Relations {
  const known = relations.get(inside);
  if (known !== undefined) return known;
  const columns = new Map<string, AccessEntry[]>();
  for (const { schema, table, acl } of inside.columns) {
    const key = relationKey({ schema, name: table });
    columns.set(key, [...(columns.get(key) ?? []), ...acl]);
  }
  const made = { columns, policies: new Map(inside.rowSecurity.map((each) => [relationKey(each), each])) };
  relations.set(inside, made);
  return made;
}

/** By schema: who may look into it at once. */
function schemaUsage(groups: readonly AccessGroup[], major: number, reach: MatrixReach): ReadonlyMap<string, ReadonlySet<number>> {
  const open = new Map<string, ReadonlySet<number>>();
  const privileges = accessPrivileges('schema', major);
  const bit = 1 << privileges.indexOf('USAGE');
  for (const group of groups) {
    if (group.kind !== 'schema') continue;
    const cells = markEntries(group, [], privileges, reach);
    const holders = new Set([...reach.names.keys()].filter((role) => (cells.held(role) & bit) !== 0));
    for (const name of group.names) open.set(name, holders);
  }
  return open;
}

/** What is there at once, and what there is on columns alone. */
function markEntries(
  group: AccessGroup,
  columns: readonly AccessEntry[],
  privileges: readonly AccessPrivilege[],
  reach: MatrixReach,
): MarkedCells {
  const cells = new MarkedCells(reach.names.length);
  for (const role of reach.superusers) {
    for (const place of privileges.keys()) {
      cells.raise(role, place, RANK.s);
      cells.allowGrant(role, place);
    }
  }
  for (const entry of group.acl) {
    const place = privileges.indexOf(entry.privilege);
    if (place >= 0 && !isDenied(group, entry.privilege)) markEntry(cells, group, entry, place, reach);
  }
  for (const [place, privilege] of privileges.entries()) {
    if (isDenied(group, privilege)) continue;
    for (const predefined of predefinedRoles(group, privilege)) {
      for (const role of holdersOf(predefined, reach)) cells.raise(role, place, RANK.d);
    }
  }
  // An owner may grant what it took from itself, too.
  for (const role of holdersOf(group.owner, reach)) for (const place of privileges.keys()) cells.allowGrant(role, place);
  for (const { privilege, grantee } of columns) {
    if (!isColumnPrivilege(privilege)) continue;
    const place = privileges.indexOf(privilege);
    const holders = grantee.kind === 'public' ? reach.everybody : holdersOf(grantee.name, reach);
    for (const role of holders) cells.raise(role, place, RANK.c);
  }
  return cells;
}

function markEntry(cells: MarkedCells, group: AccessGroup, { grantee, grantable }: AccessEntry, place: number, reach: MatrixReach): void {
  if (grantee.kind === 'public') {
    for (const role of reach.everybody) cells.raise(role, place, RANK.p);
    return;
  }
  const own = reach.place(grantee.name);
  if (own !== undefined) cells.raise(own, place, grantee.name === group.owner ? RANK.o : RANK.g);
  for (const role of reach.inheritors(grantee.name)) cells.raise(role, place, RANK.i);
  if (grantable) for (const role of holdersOf(grantee.name, reach)) cells.allowGrant(role, place);
}

function holdersOf(name: string, reach: MatrixReach): readonly number[] {
  const own = reach.place(name);
  return own === undefined ? reach.inheritors(name) : [own, ...reach.inheritors(name)];
}

/** What is there only after SET ROLE, to a role that may look into the schema too. */
function markBecoming(cells: MarkedCells, places: number, reach: MatrixReach, open: ReadonlySet<number> | undefined): void {
  const gained = new Map<number, number>();
  const gain = (role: number, held: number): void => {
    const more = held & ~cells.held(role);
    if (more !== 0) gained.set(role, (gained.get(role) ?? 0) | more);
  };
  for (const other of reach.names.keys()) {
    const held = cells.held(other);
    if (held === 0 || (open !== undefined && !open.has(other))) continue;
    for (const role of reach.becomers(other)) gain(role, held);
  }
  for (const role of reach.nearSuperusers) gain(role, (1 << places) - 1);
  for (const [role, more] of gained) {
    for (let place = 0; place < places; place += 1) if ((more & (1 << place)) !== 0) cells.raise(role, place, RANK.t);
  }
}

/** What is there and of no use without USAGE on the schema, and what is there for some of the rows. */
function markLimits(
  cells: MarkedCells,
  reach: MatrixReach,
  open: ReadonlySet<number> | undefined,
  seeAllRows: ReadonlySet<number> | undefined,
): void {
  for (const role of reach.everybody) {
    if (cells.held(role) === 0) continue;
    if (open !== undefined && !open.has(role)) cells.lackUsage(role);
    if (seeAllRows !== undefined && !seeAllRows.has(role)) cells.followPolicies(role);
  }
}

/** Those for whom policies do not decide: who stands above them, and the table's owners unless they are forced to. */
function exempt(group: AccessGroup, { forced }: { readonly forced: boolean }, reach: MatrixReach): ReadonlySet<number> {
  const above = reach.everybody.filter((place) => {
    const attributes = reach.roles[place]?.attributes;
    return attributes !== undefined && (attributes.superuser || attributes.bypassrls);
  });
  return new Set([...above, ...(forced ? [] : holdersOf(group.owner, reach))]);
}

function numbered(cells: MarkedCells, places: number, reach: MatrixReach, texts: CellTexts): Uint32Array {
  const absent = texts.numberOfText('');
  return Uint32Array.from(reach.roles, (role, place) => (role === undefined ? absent : texts.numberOf(cells, place, places)));
}
