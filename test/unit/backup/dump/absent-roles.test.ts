import { describe, expect, test } from 'vitest';
import { DbadminError } from '../../../../src/base/errors.ts';
import { withAbsentRoles } from '../../../../src/backup/dump/absent-roles.ts';

function failure(...lines: readonly string[]): DbadminError {
  return new DbadminError('program-failed', 'pg_restore failed', { detail: lines.join('\n'), hint: 'Run by pg_restore.' });
}

const OWNER = 'pg_restore: error: could not execute query: ERROR:  role "Old "one" does not exist';

describe('withAbsentRoles', () => {
  test('names each role once, with the ways out', () => {
    const error = withAbsentRoles(failure(OWNER, 'Command was: ALTER TABLE public.t OWNER TO "Old ""one";', OWNER), false);
    expect(error).toMatchObject({
      code: 'program-failed',
      message: 'pg_restore failed',
      hint: expect.stringMatching(/with --globals.* make it: CREATE ROLE "Old ""one";\nRun by pg_restore\.$/),
    });
  });

  test('does not advise --globals to who gave it', () => {
    expect(withAbsentRoles(failure(OWNER), true)).toMatchObject({ hint: expect.not.stringMatching(/--globals/) });
  });

  test('leaves any other error as it is', () => {
    const other = failure('pg_restore: error: could not execute query: ERROR:  relation "t" does not exist');
    expect(withAbsentRoles(other, false)).toBe(other);
  });
});
