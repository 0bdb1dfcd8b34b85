import postgres from 'postgres';
import { describe, expect, test } from 'vitest';
import { cloneError, endedFromOutside, fullDisk } from '../../../../src/backup/drill/clone-error.ts';

function said(code: string, message = 'could not'): Error {
  return Object.assign(new postgres.PostgresError(''), { code, message, severity: 'ERROR' });
}

describe('cloneError: an error of the clone', () => {
  test.each([
    ['too little room', '53100', 'refused'],
    ['a disk that does not read', '58030', 'refused'],
    ['a server that was stopped', '57P01', 'refused'],
    ['a file that is not there', '58P01', 'restore-failed'],
    ['a crash of its server', '57P02', 'restore-failed'],
    ['a damaged page', 'XX001', 'restore-failed'],
  ])('%s', (_what, code, expected) => {
    expect(cloneError(said(code))?.code).toBe(expected);
  });

  test('a lack for which the server has no code is told by the words of the system', () => {
    expect(cloneError(said('XX000', 'could not extend file "base/5/16384": Disk quota exceeded'))?.code).toBe('refused');
  });
});

describe('endedFromOutside: the log of a clone', () => {
  const killed = '00000 LOG:  server process (PID 12) was terminated by signal 9: Killed';
  const crashed = '00000 LOG:  server process (PID 11) was terminated by signal 11: Segmentation fault';
  const aborted = '00000 LOG:  server process (PID 11) was terminated by signal 6: Aborted';
  const exited = '00000 LOG:  startup process (PID 9) exited with exit code 1';
  const full = '53100 FATAL:  could not extend file "base/5/16384": No space left on device';
  test.each([
    ['of a process that was killed', [killed], true],
    ['of a recovery that was killed', ['00000 LOG:  startup process (PID 9) was terminated by signal 9: Killed'], true],
    ['of a server that somebody stopped', ['00000 LOG:  starting', '00000 LOG:  received fast shutdown request'], true],
    ['of a process that broke', [crashed], false],
    ['of one that broke, after which the server killed another', [crashed, killed], false],
    ['of one that broke and was then stopped', [crashed, '00000 LOG:  received immediate shutdown request'], false],
    ['in which a query names such a line', ["00000 STATEMENT:  select '", "\t00000 LOG:  (PID 1) was terminated by signal 9'"], false],
    ['in which nothing ends', ['00000 LOG:  database system is ready to accept connections'], false],
    ['of a recovery on a disk that was full', [full, '53100 HINT:  Check free disk space.', exited], true],
    ['of one on a disk that does not write', ['58030 FATAL:  could not fsync file "base/5/1": Input/output error', exited], true],
    ['of one whose memory ran out', ['53200 FATAL:  out of memory', exited], true],
    ['of a server for which there was no memory', ['XX000 FATAL:  could not map anonymous shared memory: Cannot allocate memory'], true],
    ['of one whose quota is used up', ['XX000 PANIC:  could not write to file "pg_wal/xlogtemp.7": Disk quota exceeded', aborted], true],
    ['of one to which there was no room to bring WAL', ["cp: error writing 'pg_wal/RECOVERYXLOG': No space left on device", exited], true],
    ['of a recovery that met what is damaged', ['XX001 FATAL:  invalid page in block 0 of relation base/5/1', exited, full], false],
    ['of a session for which there was no slot', ['53300 FATAL:  sorry, too many clients already'], false],
  ])('%s', (_what, lines, expected) => {
    expect(endedFromOutside(lines.join('\n')) !== undefined).toBe(expected);
  });
});

test('a clone that ended on a disk with next to no room tells nothing, whatever its log has room for', () => {
  expect(fullDisk('/scratch', 1_000_000)).toMatchObject({ code: 'refused', detail: 'It ended, and 1.00 MB are free in /scratch.' });
  expect(fullDisk('/scratch', 1_000_000_000)).toBeUndefined();
});
