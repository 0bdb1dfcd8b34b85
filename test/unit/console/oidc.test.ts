import { describe, expect, test } from 'vitest';
import { groupsIn, roleOf, vouchedFor } from '../../../src/console/oidc.ts';
import { trustFailure } from '../../../src/console/oidc-failure.ts';

const ISSUER = { issuer: 'https://id.example.org/realms/acme', claim: 'groups' };
const ROLES = { claim: 'groups', roles: { operator: ['dba'], viewer: ['staff', 'dba'] } };

describe('groupsIn', () => {
  test.each([
    [{ groups: ['dba'] }, 'groups', ['dba']],
    [{ groups: 'dba' }, 'groups', ['dba']],
    [{ realm_access: { roles: ['dba', 1, null] } }, 'realm_access.roles', ['dba']],
    [{ 'https://example.org/groups': ['dba'] }, 'https://example.org/groups', ['dba']],
    [{ groups: { dba: true } }, 'groups', undefined],
    [{}, 'groups', undefined],
    [{}, 'constructor.name', undefined],
  ])('in %j the claim %s names %j', (claims, claim, groups) => {
    expect(groupsIn(claims, claim)).toEqual(groups);
  });
});

describe('vouchedFor', () => {
  test('a name comes with the place that vouches for it, so that it is nobody of the own file', () => {
    expect(vouchedFor({ sub: '1', preferred_username: 'asha', groups: ['dba'] }, ISSUER)).toEqual({
      name: 'asha via id.example.org',
      subject: '1',
      groups: ['dba'],
    });
  });

  test('without a name it is the address, if that was verified, and the subject else', () => {
    expect(vouchedFor({ sub: '1', email: 'asha@example.org' }, ISSUER).name).toBe('asha@example.org via id.example.org');
    expect(vouchedFor({ sub: '1', email: 'asha@example.org', email_verified: false }, ISSUER).name).toBe('1 via id.example.org');
  });

  test('what somebody made of their name does not break a line, hide a letter or go on for ever', () => {
    const { name } = vouchedFor({ sub: '1', preferred_username: `a\nb\u202Ec\u2028${'d'.repeat(500)}` }, ISSUER);
    expect(name).toMatch(/^abcd{97} via id\.example\.org$/);
  });
});

describe('roleOf', () => {
  const of = (groups: readonly string[]) => roleOf({ name: 'asha', subject: '1', groups }, ROLES);

  test('the stronger role of all groups counts, and names are compared to the letter', () => {
    expect(of(['staff', 'dba'])).toBe('operator');
    expect(of(['staff'])).toBe('viewer');
    expect(() => of(['DBA', ' dba'])).toThrow('there is no role in this console for asha');
  });

  test('without a group that gives one it is refused, with the groups that were looked at', () => {
    expect(() => of(['visitors'])).toThrow(
      expect.objectContaining({ code: 'refused', detail: 'None of these groups gives one: visitors.' }),
    );
    expect(() => of([])).toThrow(expect.objectContaining({ detail: 'The provider names no groups in the claim "groups".' }));
  });
});

describe('trustFailure', () => {
  const failed = (error: unknown) => trustFailure(error, ISSUER);
  const named = (name: string, more: object): Error => Object.assign(new Error('said so'), { name, ...more });

  test.each([
    [
      new TypeError('fetch failed', { cause: Object.assign(new Error('no'), { code: 'ECONNREFUSED', syscall: 'connect' }) }),
      'connection-failed',
    ],
    [named('ClientError', { code: 'OAUTH_TIMEOUT' }), 'connection-failed'],
    [named('ResponseBodyError', { status: 503, error: 'temporarily_unavailable' }), 'connection-failed'],
    [named('AuthorizationResponseError', { error: 'access_denied', error_description: 'not today' }), 'refused'],
    [named('ResponseBodyError', { status: 401, error: 'invalid_client' }), 'config-invalid'],
    [named('ResponseBodyError', { status: 400, error: 'invalid_grant' }), 'refused'],
    [named('ClientError', { code: 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED' }), 'signature-invalid'],
    [new Error('anything else'), 'signature-invalid'],
  ])('%s is told as %s', (error, code) => {
    expect(failed(error)).toMatchObject({ code });
  });

  test('what the provider said is passed on', () => {
    expect(failed(named('AuthorizationResponseError', { error: 'access_denied', error_description: 'not today' }))).toMatchObject({
      message: 'the provider id.example.org did not let you in: access_denied',
      detail: 'not today.',
    });
  });
});
