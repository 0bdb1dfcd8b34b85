import { describe, expect, test } from 'vitest';
import { lintRoles } from '../../../src/roles/lint/lint.ts';
import { LINT_RULES } from '../../../src/roles/lint/rules.ts';
import { parseRolesDocument } from '../../../src/roles/document/parse.ts';

const NOW = new Date('2026-11-21T12:00:00Z');

function found(file: object): readonly string[] {
  return lintRoles(parseRolesDocument(JSON.stringify({ version: 1, ...file }), 'roles.yaml'), { idle: [], detours: [] }, NOW).map(
    ({ rule, subject }) => `${rule} ${subject}`,
  );
}

const DATABASE = { schemas: { core: { owner: 'owner' } } };

/** A file that each rule has something against, and against nothing else than is listed. */
const BAD: Readonly<Record<string, readonly [file: object, findings: readonly string[]]>> = {
  'owner-logs-in': [{ humans: { ann: {} }, databases: { music: { schemas: { core: { owner: 'ann' } } } } }, ['owner-logs-in ann']],
  'powerful-login': [{ humans: { ann: { attributes: ['superuser', 'createrole'] } } }, ['powerful-login ann', 'powerful-login ann']],
  'admin-to-login': [{ groups: { g: {} }, humans: { ann: { member_of: [{ role: 'g', admin: true }] } } }, ['admin-to-login ann']],
  'grant-option': [
    {
      groups: { owner: {}, g: {} },
      databases: { music: { ...DATABASE, access: [{ grant: 'select', on: 'table core.t', to: 'g', with_grant_option: true }] } },
    },
    ['grant-option g'],
  ],
  'already-over': [
    { groups: { g: {} }, humans: { ann: { valid_until: '2026-01-01', member_of: [{ role: 'g', until: '2026-02-01' }] } } },
    ['already-over ann', 'already-over ann'],
  ],
  'scope-of-everything': [{ scope: { roles: ['*'] }, humans: { ann: {} } }, ['scope-of-everything *']],
  'quotes-in-a-list': [
    {
      humans: {
        ann: { settings: { search_path: ['"$user"', 'public'] }, settings_in: {} },
        bob: { settings: { search_path: '"$user", public' } },
      },
    },
    ['quotes-in-a-list ann'],
  ],
  'granted-to-login': [
    {
      groups: { owner: {} },
      humans: { ann: {} },
      databases: { music: { ...DATABASE, access: [{ grant: 'select', on: 'table core.t', to: 'ann' }] } },
    },
    ['granted-to-login ann'],
  ],
  'no-connection-limit': [{ services: { svc: {} } }, ['no-connection-limit svc']],
  'unused-profile': [{ profiles: { reader: { tables: ['select'] } } }, ['unused-profile reader']],
  'unused-group': [{ groups: { g: {} } }, ['unused-group g']],
};

describe('the lint of a roles file', () => {
  test.each(Object.entries(BAD))('%s finds what it is for', (_rule, [file, findings]) => {
    expect(found(file)).toEqual(findings);
  });

  test('has an example for each rule', () => {
    expect(Object.keys(BAD).sort()).toEqual(LINT_RULES.map(({ name }) => name).sort());
  });

  test('passes over what the file accepts, until that ends', () => {
    const accept = (until: string): object => ({
      services: { svc: {} },
      audit: { accept: [{ finding: 'no-connection-limit', on: 's*', reason: 'it pools', until }] },
    });
    expect(found(accept('2026-12-01'))).toEqual([]);
    expect(found(accept('2026-11-01'))).toEqual(['no-connection-limit svc']);
  });

  test('has nothing against a file that is as it should be', () => {
    expect(
      found({
        profiles: { reader: { tables: ['select'] } },
        groups: { owner: {}, reader: {} },
        services: { svc: { member_of: 'reader', connection_limit: 5 } },
        databases: { music: { ...DATABASE, access: [{ profile: 'reader', on: 'core', to: 'reader' }] } },
      }),
    ).toEqual([]);
  });
});
