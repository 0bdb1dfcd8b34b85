import postgres from 'postgres';
import { describe, expect, test } from 'vitest';
import { cloneError, endedFromOutside } from '../../../../src/backup/drill/clone-error.ts';

function said(code: string): Error {
  const error = new postgres.PostgresError('could not');
  return Object.assign(error, { code, severity: 'ERROR' });
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
});

describe('endedFromOutside: the log of a clone', () => {
  const killed = '2026-11-22 10:00:01 UTC [7] LOG:  server process (PID 12) was terminated by signal 9: Killed';
  const crashed = '2026-11-22 10:00:00 UTC [7] LOG:  server process (PID 11) was terminated by signal 11: Segmentation fault';
  test.each([
    ['of a process that was killed', [killed], true],
    ['of a recovery that was killed', ['LOG:  startup process (PID 9) was terminated by signal 9: Killed'], true],
    ['of a server that somebody stopped', ['LOG:  starting', 'LOG:  received fast shutdown request'], true],
    ['of a process that broke', [crashed], false],
    ['of one that broke, after which the server killed another', [crashed, killed], false],
    ['of one that broke and was then stopped', [crashed, 'LOG:  received immediate shutdown request'], false],
    ['in which a query names such a line', ["STATEMENT:  select '(PID 1) was terminated by signal 9'"], false],
    ['in which nothing ends', ['LOG:  database system is ready to accept connections'], false],
  ])('%s', (_what, lines, expected) => {
    expect(endedFromOutside(lines.join('\n')) !== undefined).toBe(expected);
  });
});
