import { describe, expect, test } from 'vitest';
import { DbadminError } from '../../../../src/base/errors.ts';
import { spoolFailure } from '../../../../src/backup/dump/spool-run.ts';

describe('what fails while something is spooled', () => {
  const failed = (detail: string): DbadminError => new DbadminError('program-failed', 'pg_dump failed: dump of music', { detail });

  test.each([
    failed('pg_dump: error: could not write to output file: No space left on device'),
    failed('pg_dump: error: could not write to file: Disk quota exceeded'),
    Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }),
    Object.assign(new Error('EDQUOT: disk quota exceeded, write'), { code: 'EDQUOT' }),
  ])('for want of room is told as that: %s', (error) => {
    expect(spoolFailure(error, '/srv/spool', 'dump')).toMatchObject({
      code: 'storage-full',
      message: 'there is no room for the dump in /srv/spool',
    });
  });

  // /proc says of itself that 0 bytes are free, as overlay and FUSE file systems do.
  test.each([
    failed('pg_dump: error: connection to server failed: FATAL:  database "music" does not exist'),
    failed('pg_dump: error: query failed: ERROR:  could not extend file "base/5/1": No space left on device'),
    new DbadminError('storage-failed', 's3://backup failed: writing'),
  ])('for another reason is told as it is, however little is free: %s', (error) => {
    expect(spoolFailure(error, '/proc', 'dump')).toBe(error);
  });
});
