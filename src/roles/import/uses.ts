import type { Privilege } from '../privileges.ts';
import { granteeKey, isRole, type DefaultEntry, type Grantee } from '../state.ts';
import type { Holding } from './holdings.ts';
import { byText } from './object-text.ts';
import type { ImportOptions } from './options.ts';
import type { Remaining } from './rights.ts';
import { isWithin, PART_KINDS, shapeKey, shapeOf, shapeSize, type PartKind, type Shape, type Use } from './shapes.ts';

/**
 * Whose new objects carry the access lines of a schema: roles with default privileges there to whom being a creator gives
 * nothing new.
 */
export function creatorsOf(remaining: Remaining, schema: string, options: ImportOptions): readonly string[] {
  const place = remaining.schemas.get(schema);
  const found = new Set([...remaining.defaults].filter((entry) => entry.schema === schema).map((entry) => entry.creator));
  const implied = (creator: string): boolean =>
    place !== undefined &&
    remaining.database.implies(creator, 'CONNECT') &&
    place.implies(creator, 'USAGE') &&
    place.implies(creator, 'CREATE');
  return [...found].filter((creator) => !options.declares(creator) || implied(creator)).sort(byText);
}

type Right = readonly [kind: PartKind, privilege: Privilege];

/**
 * Grantees for whom all four hold on a schema: CONNECT, USAGE, a privilege on every object there is, and the same on every
 * object that the creators will make. What these uses say is settled.
 */
export function takeAccessUses(
  remaining: Remaining,
  creators: ReadonlyMap<string, readonly string[]>,
  options: ImportOptions,
): readonly Use[] {
  const uses: Use[] = [];
  if (!options.wildcards) return uses;
  const complete = new Map(
    remaining.holdings
      .left()
      .filter((holding) => remaining.holdings.isComplete(holding))
      .map((holding) => [holdingKey(holding.schema, holding.kind, holding.privilege, holding.grantee, holding.grantable), holding]),
  );
  for (const [{ schema, grantee, grantable }, entries] of byGrantee(remaining.defaults)) {
    const makers = (creators.get(schema ?? '') ?? []).filter((creator) => !isRole(grantee, creator));
    const place = remaining.schemas.get(schema ?? '');
    if (schema === undefined || place === undefined || grantee.kind === 'public' || makers.length === 0) continue;
    if (!remaining.database.implies(grantee.name, 'CONNECT') || !place.implies(grantee.name, 'USAGE')) continue;
    const rights = rightsOfAll(entries, makers).filter(([kind, privilege]) => {
      if (kind === 'schema') return false;
      const isThere = (remaining.holdings.extent(schema, kind)?.total ?? 0) > 0;
      return !isThere || complete.has(holdingKey(schema, kind, privilege, grantee, grantable)) || ownsAll(remaining, schema, kind, grantee);
    });
    if (rights.length === 0) continue;
    for (const [kind, privilege] of rights) {
      if (kind === 'schema') continue;
      const holding = complete.get(holdingKey(schema, kind, privilege, grantee, grantable));
      if (holding !== undefined) remaining.holdings.settle(holding);
      for (const entry of entries) {
        if (entry.of === kind && entry.privilege === privilege && makers.includes(entry.creator)) remaining.defaults.delete(entry);
      }
    }
    remaining.database.settleImplied(grantee.name, 'CONNECT');
    place.settleImplied(grantee.name, 'USAGE');
    uses.push({ level: 'access', database: remaining.state.name, schema, grantee, grantable, shape: shapeOf(rights), creators: makers });
  }
  return uses;
}

function holdingKey(schema: string, kind: string, privilege: Privilege, grantee: Grantee, grantable: boolean): string {
  return JSON.stringify([schema, kind, privilege, granteeKey(grantee), grantable]);
}

function ownsAll(remaining: Remaining, schema: string, kind: Holding['kind'], grantee: Grantee): boolean {
  const extent = remaining.holdings.extent(schema, kind);
  return grantee.kind === 'role' && extent !== undefined && extent.owned.get(grantee.name) === extent.total;
}

/** The rights that every one of `creators` has put into its default privileges. */
function rightsOfAll(entries: readonly DefaultEntry[], creators: readonly string[]): readonly Right[] {
  const byRight = new Map<string, { readonly right: Right; readonly creators: Set<string> }>();
  for (const { of, privilege, creator } of entries) {
    const found = byRight.get(`${of} ${privilege}`) ?? { right: [of, privilege] as const, creators: new Set<string>() };
    byRight.set(`${of} ${privilege}`, found);
    found.creators.add(creator);
  }
  return [...byRight.values()].filter((each) => creators.every((name) => each.creators.has(name))).map(({ right }) => right);
}

interface DefaultPlace {
  readonly schema: string | undefined;
  readonly grantee: Grantee;
  readonly grantable: boolean;
}

function byGrantee(defaults: ReadonlySet<DefaultEntry>): ReadonlyMap<DefaultPlace, readonly DefaultEntry[]> {
  const places = new Map<string, DefaultPlace>();
  const entries = new Map<DefaultPlace, DefaultEntry[]>();
  for (const entry of defaults) {
    const { schema, grantee, grantable } = entry;
    const key = JSON.stringify([schema ?? null, granteeKey(grantee), grantable]);
    const place = places.get(key) ?? { schema, grantee, grantable };
    places.set(key, place);
    const listed = entries.get(place) ?? [];
    entries.set(place, listed);
    listed.push(entry);
  }
  return entries;
}

/** Grantees with privileges on all there is of a kind in a schema, or on the schema. What these uses say is settled. */
export function takeGrantUses(remaining: Remaining, options: ImportOptions): readonly Use[] {
  const found = new Map<
    string,
    { readonly schema: string; readonly grantee: Grantee; readonly grantable: boolean; readonly rights: Right[] }
  >();
  const put = (schema: string, grantee: Grantee, grantable: boolean, right: Right): void => {
    const key = JSON.stringify([schema, granteeKey(grantee), grantable]);
    const use = found.get(key) ?? { schema, grantee, grantable, rights: [] };
    found.set(key, use);
    use.rights.push(right);
  };
  for (const [schema, place] of remaining.schemas) {
    for (const right of place.left()) {
      if (right.grantor !== undefined) continue;
      put(schema, right.grantee, right.grantable, ['schema', right.privilege]);
      place.settle(right);
    }
  }
  for (const holding of wholeSchemas(remaining, options)) {
    put(holding.schema, holding.grantee, holding.grantable, [holding.kind, holding.privilege]);
    remaining.holdings.settle(holding);
  }
  const uses = [...found.values()].map(({ schema, grantee, grantable, rights }): Use => ({
    level: 'grants',
    database: remaining.state.name,
    schema,
    grantee,
    grantable,
    shape: shapeOf(rights),
    creators: [],
  }));
  return alike(uses, remaining);
}

/**
 * Holdings on everything of a kind in a schema. One object alone is everything by chance: it is named, but where the grantee
 * has the same on another schema, or where PUBLIC has what it has by itself.
 */
function wholeSchemas({ holdings }: Remaining, options: ImportOptions): readonly Holding[] {
  const complete = options.wildcards ? holdings.left().filter((holding) => holdings.isComplete(holding)) : [];
  const anywhere = ({ kind, privilege, grantee, grantable }: Holding): string => holdingKey('', kind, privilege, grantee, grantable);
  const isMany = (holding: Holding): boolean => (holdings.extent(holding.schema, holding.kind)?.total ?? 0) > 1;
  const elsewhere = new Set(complete.filter(isMany).map(anywhere));
  return complete.filter(
    (holding) =>
      isMany(holding) ||
      elsewhere.has(anywhere(holding)) ||
      (holding.grantee.kind === 'public' && (holding.kind === 'routine' || holding.kind === 'type')),
  );
}

/**
 * The same with shapes of one grantee made equal where that gives nothing: a shape without routines, in a schema that has no
 * routines, is the shape with them that the grantee has elsewhere.
 */
function alike(uses: readonly Use[], remaining: Remaining): readonly Use[] {
  return uses.map((use) => {
    const wider = uses
      .filter((other) => granteeKey(other.grantee) === granteeKey(use.grantee) && other.grantable === use.grantable)
      .map((other) => other.shape)
      .filter((shape) => isWithin(use.shape, shape) && isFreeOf(use, shape, remaining))
      .sort((left, right) => shapeSize(right) - shapeSize(left) || byText(shapeKey(left), shapeKey(right)));
    return { ...use, shape: wider[0] ?? use.shape };
  });
}

function isFreeOf(use: Use, wider: Shape, { holdings }: Remaining): boolean {
  return PART_KINDS.every((kind) => {
    const isMore = (wider[kind]?.length ?? 0) > (use.shape[kind]?.length ?? 0);
    return !isMore || (kind !== 'schema' && use.schema !== undefined && holdings.extent(use.schema, kind) === undefined);
  });
}

/** What is left of default privileges, with the creators who give the same. */
export function takeFutureUses(remaining: Remaining): readonly Use[] {
  const uses = new Map<string, { readonly use: Use; readonly creators: Set<string> }>();
  for (const [{ schema, grantee, grantable }, entries] of byGrantee(remaining.defaults)) {
    for (const creator of new Set(entries.map((entry) => entry.creator))) {
      const shape = shapeOf(entries.filter((entry) => entry.creator === creator).map(({ of, privilege }) => [of, privilege] as const));
      const key = JSON.stringify([schema ?? null, granteeKey(grantee), grantable, shapeKey(shape)]);
      const use: Use = { level: 'future', database: remaining.state.name, schema, grantee, grantable, shape, creators: [] };
      const found = uses.get(key) ?? { use, creators: new Set<string>() };
      uses.set(key, found);
      found.creators.add(creator);
    }
  }
  remaining.defaults.clear();
  return [...uses.values()].map(({ use, creators }) => ({ ...use, creators: [...creators].sort(byText) }));
}
