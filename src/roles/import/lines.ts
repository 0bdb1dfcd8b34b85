import type { Privilege } from '../privileges.ts';
import { granteeKey, type Grantee } from '../state.ts';
import { byText, nameText, privilegeWords, wildcardText } from './object-text.ts';
import { PART_KINDS, shapeKey, type FoundProfile, type Use } from './shapes.ts';
import { oneOrList, type TreeMap } from './tree.ts';

/** A line of the file before those that differ only in what or in whom they name are put together. */
export interface RawLine {
  /** Lines about different things stay apart, whatever else is the same. */
  readonly about: string;
  /** Lines with the same head may be put together. */
  readonly head: TreeMap;
  readonly on: readonly string[];
  readonly grantee: Grantee;
  /** What stands after `on` and `to`. */
  readonly tail: TreeMap;
}

/** `public` for PUBLIC, which no role can be called. */
function granteeWord(grantee: Grantee): string {
  return grantee.kind === 'public' ? 'public' : grantee.name;
}

/** First what one grantee has on several objects, then the grantees who have the same on the same. */
export function mergeLines(lines: readonly RawLine[]): readonly TreeMap[] {
  const byHolder = new Map<string, { readonly line: RawLine; readonly on: Set<string> }>();
  for (const line of lines) {
    const key = JSON.stringify([line.about, line.head, line.tail, granteeKey(line.grantee)]);
    const found = byHolder.get(key) ?? { line, on: new Set<string>() };
    byHolder.set(key, found);
    for (const each of line.on) found.on.add(each);
  }
  const byWhat = new Map<string, { readonly line: RawLine; readonly on: readonly string[]; readonly to: Set<string> }>();
  for (const { line, on } of byHolder.values()) {
    const sorted = [...on].sort(byText);
    const key = JSON.stringify([line.about, line.head, line.tail, sorted]);
    const found = byWhat.get(key) ?? { line, on: sorted, to: new Set<string>() };
    byWhat.set(key, found);
    found.to.add(granteeWord(line.grantee));
  }
  return [...byWhat.values()]
    .map(({ line, on, to }) => {
      const tree = { ...line.head, on: oneOrList(on), to: oneOrList([...to].sort(byText)), ...line.tail };
      return { tree, key: JSON.stringify([ORDER.indexOf(line.about), line.about, on, tree]) };
    })
    .sort((left, right) => byText(left.key, right.key))
    .map(({ tree }) => tree);
}

/** What lines are about, from the whole to the part. */
const ORDER: readonly string[] = ['database', 'profile', 'schema', 'table', 'column', 'sequence', 'routine', 'type'];

/** The lines of one level, with profiles where a shape has one. */
export function linesOfUses(uses: readonly Use[], profiles: readonly FoundProfile[]): readonly RawLine[] {
  const named = new Map(profiles.map((profile) => [shapeKey(profile.shape), profile.name]));
  return uses.flatMap((use): readonly RawLine[] => {
    const tail = { by: use.level === 'future' ? use.creators : undefined, with_grant_option: use.grantable ? true : undefined };
    const profile = use.level === 'future' ? undefined : named.get(shapeKey(use.shape));
    if (profile !== undefined) return [{ about: 'profile', head: { profile }, on: [use.schema ?? ''], grantee: use.grantee, tail }];
    return PART_KINDS.flatMap((kind): readonly RawLine[] => {
      const privileges = use.shape[kind] ?? [];
      if (privileges.length === 0) return [];
      return [{ about: kind, head: grantHead(privileges), on: [useText(use, kind)], grantee: use.grantee, tail }];
    });
  });
}

export function grantHead(privileges: readonly Privilege[]): TreeMap {
  return { grant: privilegeWords(privileges) };
}

function useText(use: Use, kind: (typeof PART_KINDS)[number]): string {
  if (use.level === 'future') return `new ${kind}s${use.schema === undefined ? '' : ` in ${nameText(use.schema)}`}`;
  return kind === 'schema' ? `schema ${nameText(use.schema ?? '')}` : wildcardText(kind, use.schema ?? '');
}
