import { expect, test } from 'vitest';
import type { TakeMode } from '../../../../src/backup/take/mode.ts';
import { showOutcome } from '../../../../src/commands/backup/show-backup.ts';
import { printed } from '../../../backup/printed.ts';
import type { BackupSummary } from '../../../../src/repository/manifest.ts';
import { summaryOf } from '../../../backup/small-backups.ts';

/** What is printed of a backup that each of `names` has, of a cluster whose repositories are local and offsite. */
function shown(names: readonly string[], mode: TakeMode, summary: BackupSummary): { readonly stdout: string; readonly stderr: string } {
  const outcomes = names.map((name) => ({ name, result: { kind: 'taken' as const, summary } }));
  return printed((output) => showOutcome(output, { repositories: ['local', 'offsite'] }, { mode, outcomes }, 1));
}

/** What backup run says on stderr of a full backup whose audit found seven pages, the last of them emptied. */
function warningOf(parent: BackupSummary): string {
  const mismatches = [...Array(6).keys()].map((block) => ({ path: 'base/5/1', block }));
  const audit = {
    comparedWith: parent.label,
    pages: 9,
    benign: 0,
    mismatches: [...mismatches, { path: 'base/5/2', block: 77, emptied: true as const }],
  };
  return shown(['local'], { kind: 'audit', parent }, summaryOf('F2', { audit })).stderr;
}

test('a page that was emptied is the first that is named, and the cluster is said to be wrong only where that is known', () => {
  const known = warningOf(summaryOf('F1'));
  expect(known).toMatch(
    /in the WAL, base\/5\/2 block 77 \(emptied\), base\/5\/1 block 0, .* block 3 and 2 more: either .*: there the cluster is wrong\./,
  );
  expect(known).toContain('see about the others, and dbadmin backup acknowledge F2 --sound audited, earlier or both --reason');
  const unknown = warningOf(summaryOf('I1', { kind: 'incremental', parent: 'F1' }));
  expect(unknown).toMatch(/more: either .*; 1 of them is all zeros now \(emptied\), of which amcheck says nothing\. Neither/);
  expect(unknown).not.toContain('cluster is wrong');
  expect(unknown).toContain('acknowledge F2 --sound audited, earlier or both --reason');
});

test('the restore that is shown names the repository where the one that is taken by itself has not got the backup', () => {
  const lineFor = (...names: string[]): string | undefined =>
    /restorable on its own: (.*)/.exec(shown(names, { kind: 'everything', reason: undefined }, summaryOf('F1')).stdout)?.[1];
  expect(lineFor('local')).toBe('dbadmin restore --backup F1 --to-latest --into DIR --start');
  expect(lineFor('offsite', 'local')).toBe('dbadmin restore --backup F1 --to-latest --into DIR --start');
  expect(lineFor('offsite')).toBe('dbadmin restore --backup F1 --repository offsite --to-latest --into DIR --start');
});
