/** What two sides differ in. */
export interface Difference {
  readonly section: Section;
  /** The role, PUBLIC or the object it is about. */
  readonly subject: string;
  readonly text: string;
  /** What each side has; undefined where it has nothing of the kind. */
  readonly left: string | undefined;
  readonly right: string | undefined;
}

export const SECTIONS = [
  'roles',
  'memberships',
  'settings',
  'owners',
  'privileges',
  'default privileges',
  'row security',
  'objects',
] as const;
export type Section = (typeof SECTIONS)[number];

/** One thing that a side says, for comparing with the same thing on the other side. */
export interface Fact {
  readonly section: Section;
  readonly subject: string;
  readonly text: string;
  /** Where a side has it at all; facts that are just there have an empty value. */
  readonly value: string;
}

/** A fact's identity: what it is about, without its value. */
function factKey({ section, subject, text }: Fact): string {
  return JSON.stringify([section, subject, text]);
}

/** What only one side has, or both have with other values. Order: section, subject, text. */
export function compareFacts(left: readonly Fact[], right: readonly Fact[]): readonly Difference[] {
  const rights = new Map(right.map((fact) => [factKey(fact), fact]));
  const lefts = new Map(left.map((fact) => [factKey(fact), fact]));
  const differences: Difference[] = [];
  for (const [key, { section, subject, text, value }] of lefts) {
    const other = rights.get(key);
    if (other?.value !== value) differences.push({ section, subject, text, left: value, right: other?.value });
  }
  for (const [key, { section, subject, text, value }] of rights) {
    if (!lefts.has(key)) differences.push({ section, subject, text, left: undefined, right: value });
  }
  return sortDifferences(differences);
}

/** Of a role that only one side has, that it is there is enough. */
export function briefly(differences: readonly Difference[]): readonly Difference[] {
  const isAlone = (each: Difference): boolean => each.left === undefined || each.right === undefined;
  const alone = new Set(
    differences.filter((each) => each.section === 'roles' && each.text === 'role' && isAlone(each)).map((each) => each.subject),
  );
  return differences.filter((each) => each.section !== 'roles' || each.text === 'role' || !alone.has(each.subject));
}

export function sortDifferences(differences: readonly Difference[]): readonly Difference[] {
  const keyOf = (each: Difference): string =>
    JSON.stringify([SECTIONS.indexOf(each.section), each.subject, each.text, each.left === undefined ? 1 : 0]);
  return differences
    .map((difference) => ({ difference, key: keyOf(difference) }))
    .sort((left, right) => (left.key < right.key ? -1 : left.key > right.key ? 1 : 0))
    .map(({ difference }) => difference);
}
