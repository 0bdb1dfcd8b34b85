import { granteeKey, granteeText, type DatabaseState, type ObjectGroup } from '../state.ts';
import type { Difference } from './difference.ts';
import { grantorText } from './place-facts.ts';

/**
 * What two databases differ in on tables, sequences, routines and types.
 *
 * Groups of equal privileges are compared, not objects, so that fifty thousand tables alike cost no more than one. What only
 * one side has is one line per schema and kind, and its privileges are not told.
 */
export function objectDifferences(left: DatabaseState, right: DatabaseState, place: string): readonly Difference[] {
  const [ours, theirs] = [byName(left), byName(right)];
  const collected = new Collected(place);
  const pairs = new Map<ObjectGroup, Map<ObjectGroup, string[]>>();
  for (const [key, group] of ours.groups) {
    const other = theirs.groups.get(key);
    const name = ours.names.get(key) ?? '';
    if (other === undefined) {
      collected.only('left', group, name);
      continue;
    }
    const partners = pairs.get(group) ?? new Map<ObjectGroup, string[]>();
    pairs.set(group, partners);
    const names = partners.get(other) ?? [];
    partners.set(other, names);
    names.push(name);
  }
  for (const [key, group] of theirs.groups) if (!ours.groups.has(key)) collected.only('right', group, theirs.names.get(key) ?? '');
  for (const [group, partners] of pairs) for (const [other, names] of partners) collected.compare(group, other, names);
  return collected.differences();
}

function byName(state: DatabaseState): { readonly groups: ReadonlyMap<string, ObjectGroup>; readonly names: ReadonlyMap<string, string> } {
  const groups = new Map<string, ObjectGroup>();
  const names = new Map<string, string>();
  for (const group of state.groups) {
    for (const name of group.names) {
      const key = `${group.kind} ${group.schema}\0${name}`;
      groups.set(key, group);
      names.set(key, name);
    }
  }
  return { groups, names };
}

type Side = 'left' | 'right';

interface Found {
  readonly section: Difference['section'];
  readonly subject: string;
  /** Before the objects: `SELECT on`, `owner of`. */
  readonly lead: string;
  readonly tail: string;
  readonly kind: string;
  readonly schema: string;
  readonly left: string | undefined;
  readonly right: string | undefined;
  readonly names: string[];
}

const SHOWN_NAMES = 3;

class Collected {
  readonly #place: string;
  readonly #found = new Map<string, Found>();

  constructor(place: string) {
    this.#place = place;
  }

  only(side: Side, { kind, schema }: ObjectGroup, name: string): void {
    const value = (each: Side): string | undefined => (side === each ? '' : undefined);
    this.#add({ section: 'objects', subject: schema, lead: '', tail: '', kind, schema, left: value('left'), right: value('right') }, [
      name,
    ]);
  }

  compare(left: ObjectGroup, right: ObjectGroup, names: readonly string[]): void {
    const { kind, schema } = left;
    if (left.owner !== right.owner) {
      this.#add(
        { section: 'owners', subject: schema, lead: 'owner of ', tail: '', kind, schema, left: left.owner, right: right.owner },
        names,
      );
    }
    const [ours, theirs] = [entriesOf(left), entriesOf(right)];
    for (const [key, entry] of new Map([...ours, ...theirs])) {
      const [before, after] = [ours.get(key)?.value, theirs.get(key)?.value];
      if (before === after) continue;
      const { subject, privilege, tail } = entry;
      this.#add({ section: 'privileges', subject, lead: `${privilege} on `, tail, kind, schema, left: before, right: after }, names);
    }
  }

  #add(found: Omit<Found, 'names'>, names: readonly string[]): void {
    const key = JSON.stringify([
      found.section,
      found.subject,
      found.lead,
      found.tail,
      found.kind,
      found.schema,
      found.left ?? null,
      found.right ?? null,
    ]);
    const before = this.#found.get(key) ?? { ...found, names: [] };
    this.#found.set(key, before);
    before.names.push(...names);
  }

  differences(): readonly Difference[] {
    return [...this.#found.values()].map(({ section, subject, lead, tail, kind, schema, left, right, names }) => ({
      section,
      subject,
      text: `${lead}${objectsText(kind, schema, [...names].sort())}${tail}${this.#place}`,
      left,
      right,
    }));
  }
}

function objectsText(kind: string, schema: string, names: readonly string[]): string {
  if (names.length === 1) return `${kind} ${schema}.${names[0] ?? ''}`;
  const shown = names.slice(0, SHOWN_NAMES).join(', ');
  return `${names.length} ${kind}s in ${schema}: ${shown}${names.length > SHOWN_NAMES ? ', …' : ''}`;
}

interface Entry {
  readonly subject: string;
  readonly privilege: string;
  readonly tail: string;
  readonly value: string;
}

function entriesOf({ owner, acl }: ObjectGroup): ReadonlyMap<string, Entry> {
  return new Map(
    acl.map((entry) => {
      const tail = grantorText(entry, owner);
      const value = entry.grantable ? 'with grant option' : '';
      const { privilege } = entry;
      return [`${privilege} ${granteeKey(entry.grantee)} ${tail}`, { subject: granteeText(entry.grantee), privilege, tail, value }];
    }),
  );
}
