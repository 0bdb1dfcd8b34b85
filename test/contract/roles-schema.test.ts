import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { DbadminError } from '../../src/base/errors.ts';
import { parseRolesDocument } from '../../src/roles/document/parse.ts';
import { rolesSchema } from '../../src/roles/document/schema.ts';
import { randomDocument } from '../live/roles/random-document.ts';

/** A file that has one key too many, `zzz`, at the place meant. */
const PLACES: readonly (readonly [place: string, text: string])[] = [
  ['the file', 'zzz: 1'],
  ['cluster', 'cluster: { zzz: 1 }'],
  ['scope', 'scope: { zzz: 1 }'],
  ['public', 'public: { zzz: 1 }'],
  ['keep of public', 'public: { keep: [{ zzz: 1 }] }'],
  ['a profile', 'profiles: { p: { zzz: 1 } }'],
  ['a service', 'services: { a: { zzz: 1 } }'],
  ['a membership', 'groups: { a: { member_of: [{ zzz: 1 }] } }'],
  ['a database', 'databases: { d: { zzz: 1 } }'],
  ['a schema', 'databases: { d: { schemas: { s: { zzz: 1 } } } }'],
  ['access', 'databases: { d: { access: [{ zzz: 1 }] } }'],
  ['grants', 'databases: { d: { grants: [{ zzz: 1 }] } }'],
  ['owners', 'databases: { d: { owners: [{ zzz: 1 }] } }'],
  ['columns', 'databases: { d: { columns: [{ zzz: 1 }] } }'],
  ['row_security', 'databases: { d: { row_security: [{ zzz: 1 }] } }'],
  ['a row policy', 'databases: { d: { row_security: [{ table: s.t, policies: [{ zzz: 1 }] }] } }'],
  ['parameters', 'parameters: [{ zzz: 1 }]'],
  ['retire', 'retire: [{ zzz: 1 }]'],
  ['audit', 'audit: { zzz: 1 }'],
  ['accept of audit', 'audit: { accept: [{ zzz: 1 }] }'],
];

/** The keys that the parser says it knows beside `zzz`. */
function keysOfParser(text: string): readonly string[] {
  try {
    parseRolesDocument(`version: 1\n${text}`, 'roles.yaml');
  } catch (error) {
    const detail = error instanceof DbadminError ? (error.detail ?? '') : '';
    const listed = /has no key "zzz"; it may have (.*)$/m.exec(detail)?.[1];
    if (listed !== undefined) return listed.split(', ').sort();
  }
  throw new Error(`the parser did not mind zzz in: ${text}`);
}

/** The schema of what holds `zzz` in `value`, found by walking both together. */
function schemaAt(schema: unknown, value: unknown): readonly string[] | undefined {
  if (typeof schema !== 'object' || schema === null) return undefined;
  const { anyOf, properties, items, additionalProperties } = schema as Record<string, unknown>;
  if (Array.isArray(anyOf)) return anyOf.map((each) => schemaAt(each, value)).find((found) => found !== undefined);
  if (Array.isArray(value)) return schemaAt(items, value[0]);
  if (typeof value !== 'object' || value === null) return undefined;
  if ('zzz' in value) return typeof properties !== 'object' || properties === null ? undefined : Object.keys(properties).sort();
  const inner = Object.entries(value).filter(([, each]) => JSON.stringify(each).includes('zzz'));
  const [key, each] = inner[0] ?? ['', undefined];
  const known = (properties as Record<string, unknown> | undefined)?.[key];
  return schemaAt(known ?? additionalProperties, each);
}

describe('the JSON Schema of roles.yaml', () => {
  const schema: unknown = JSON.parse(readFileSync(new URL('../../schemas/roles.schema.json', import.meta.url), 'utf8'));

  it.each(PLACES)('knows the keys of the parser in %s', (_place, text) => {
    expect(schemaAt(schema, parse(text))).toEqual(keysOfParser(text));
  });

  it('takes what the parser takes', () => {
    fc.assert(
      fc.property(randomDocument(17), (text) => {
        parseRolesDocument(text, 'roles.yaml');
        expect(rolesSchema.safeParse(JSON.parse(text)).error).toBeUndefined();
      }),
      { seed: 20261121, numRuns: 100 },
    );
  });

  it('takes the file of this project', () => {
    const text = readFileSync(new URL('../../roles/roles.yaml', import.meta.url), 'utf8');
    expect(rolesSchema.safeParse(parse(text)).error).toBeUndefined();
  });

  it.each([
    ['a key that does not exist', { version: 1, colour: 'red' }],
    ['a privilege of another kind', { version: 1, profiles: { p: { tables: ['usage'] } } }],
    ['a password for a group', { version: 1, groups: { a: { password: { from: 'env', name: 'X' } } } }],
    ['a password in the file', { version: 1, services: { a: { password: 'hunter2' } } }],
  ])('refuses %s', (_name, value) => {
    expect(rolesSchema.safeParse(value).success).toBe(false);
  });
});
