import type { NarrowForm } from '../object-forms.ts';
import { parsePrivilege, privilegesOf, type ObjectKind, type Privilege, type PrivilegeKind } from '../privileges.ts';
import type { Profile, ProfilePart, ServerRange } from './document.ts';
import type { Reader } from './reader.ts';
import type { Untrusted } from './untrusted.ts';

const PARTS: Readonly<Record<string, { readonly kind: ObjectKind | 'schema'; readonly only?: NarrowForm }>> = {
  schema: { kind: 'schema' },
  tables: { kind: 'table' },
  views: { kind: 'table', only: 'view' },
  materialized_views: { kind: 'table', only: 'materialized view' },
  foreign_tables: { kind: 'table', only: 'foreign table' },
  partitioned_tables: { kind: 'table', only: 'partitioned table' },
  sequences: { kind: 'sequence' },
  routines: { kind: 'routine' },
  functions: { kind: 'routine', only: 'function' },
  procedures: { kind: 'routine', only: 'procedure' },
  aggregates: { kind: 'routine', only: 'aggregate' },
  types: { kind: 'type' },
  domains: { kind: 'type', only: 'domain' },
};
/** The keys of a profile that hold privileges. */
export const PROFILE_PARTS = Object.keys(PARTS);

/** What the privileges under a key of a profile are on. */
export function profilePartKind(part: string): ObjectKind | 'schema' {
  return PARTS[part]?.kind ?? 'schema';
}

interface RawProfile {
  readonly parts: readonly ProfilePart[];
  readonly includes: readonly { readonly name: string; readonly source: Untrusted }[];
}

/** `profiles:` with what each includes merged in. */
export function parseProfiles(reader: Reader, value: Untrusted | undefined): ReadonlyMap<string, Profile> {
  const raw = new Map<string, RawProfile>();
  for (const entry of reader.entries(value, 'profiles')) raw.set(entry.key, parseProfile(reader, entry.key, entry.value));
  const profiles = new Map<string, Profile>();
  for (const name of raw.keys()) profiles.set(name, { name, parts: resolveParts(reader, raw, name, []) });
  return profiles;
}

function parseProfile(reader: Reader, name: string, value: Untrusted): RawProfile {
  const what = `profile ${name}`;
  const fields = reader.fields(value, what, ['include', ...PROFILE_PARTS, 'if_server']);
  const servers = parseServers(reader, fields.get('if_server'), `if_server of ${what}`);
  const parts: ProfilePart[] = [];
  for (const [key, { kind, only }] of Object.entries(PARTS)) {
    const listed = fields.get(key);
    if (listed === undefined) continue;
    const privileges = parsePrivileges(reader, listed, kind, `${key} of ${what}`);
    if (privileges !== undefined) parts.push({ kind, only, privileges, servers, at: listed.at });
  }
  const includes: { name: string; source: Untrusted }[] = [];
  for (const source of reader.oneOrMore(fields.get('include'))) {
    const included = reader.text(source, `include of ${what}`);
    if (included !== undefined) includes.push({ name: included, source });
  }
  return { parts, includes };
}

function resolveParts(reader: Reader, raw: ReadonlyMap<string, RawProfile>, name: string, path: readonly string[]): readonly ProfilePart[] {
  const profile = raw.get(name);
  if (profile === undefined) return [];
  const included = profile.includes.flatMap((include) => {
    const trail = [...path, name];
    if (trail.includes(include.name)) {
      // Each circle is found once from every profile in it; the first by name tells.
      const tells = include.name === trail[0] && trail.every((each) => include.name <= each);
      if (tells) reader.problem(include.source.at, `profile ${[...trail, include.name].join(' includes ')}`);
      return [];
    }
    if (!raw.has(include.name) && path.length === 0) reader.problem(include.source.at, `there is no profile "${include.name}" to include`);
    return resolveParts(reader, raw, include.name, trail);
  });
  return [...included, ...profile.parts];
}

/** Privilege words that exist on `kind`, or `all`. A word of another kind is a problem. */
export function parsePrivileges(
  reader: Reader,
  value: Untrusted | undefined,
  kind: PrivilegeKind,
  what: string,
): readonly Privilege[] | 'all' | undefined {
  const words = reader.oneOrMore(value);
  const possible = privilegesOf(kind);
  const found: Privilege[] = [];
  for (const word of words) {
    const text = reader.text(word, what);
    if (text === undefined) continue;
    if (text.toLowerCase() === 'all') return words.length === 1 ? 'all' : reader.problem(word.at, `${what}: all stands alone`);
    const privilege = parsePrivilege(text);
    if (privilege === undefined || !possible.includes(privilege)) {
      const choices = possible.map((each) => each.toLowerCase()).join(', ');
      reader.problem(word.at, `${what}: there is no privilege "${text}" on a ${kind}; it may be ${choices}`);
    } else if (!found.includes(privilege)) found.push(privilege);
  }
  return found;
}

function parseServers(reader: Reader, value: Untrusted | undefined, what: string): ServerRange | undefined {
  const text = reader.text(value, what);
  if (text === undefined || value === undefined) return undefined;
  const match = /^(>=|<=|>|<|=)\s*(\d+)$/.exec(text.trim());
  const operator = (['>=', '<=', '>', '<', '='] as const).find((each) => each === match?.[1]);
  if (match === null || operator === undefined) return reader.problem(value.at, `${what} is "${text}"; write ">=17" or "<18"`);
  return { operator, major: Number(match[2]) };
}
