import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import type { TakeMode } from '../../../../src/backup/take/mode.ts';
import { showOutcome } from '../../../../src/commands/backup/show-backup.ts';
import { createTerminalOutput } from '../../../../src/commands/terminal-output.ts';
import type { BackupSummary } from '../../../../src/repository/manifest.ts';
import { summaryOf } from '../../../backup/small-backups.ts';

/** What backup run says on stderr of a full backup whose audit found seven pages, the last of them emptied. */
function warningOf(parent: BackupSummary): string {
  const mismatches = [...Array(6).keys()].map((block) => ({ path: 'base/5/1', block }));
  const audit = {
    comparedWith: parent.label,
    pages: 9,
    benign: 0,
    mismatches: [...mismatches, { path: 'base/5/2', block: 77, emptied: true as const }],
  };
  const [stdout, stderr, stdin] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const output = createTerminalOutput({
    json: false,
    quiet: false,
    yes: false,
    colour: false,
    stdout: stdout as unknown as NodeJS.WriteStream,
    stderr: stderr as unknown as NodeJS.WriteStream,
    stdin: stdin as unknown as NodeJS.ReadStream,
    signal: new AbortController().signal,
  });
  const mode: TakeMode = { kind: 'audit', parent };
  const summary = summaryOf('F2', { audit });
  showOutcome(output, { mode, outcomes: [{ name: 'local', result: { kind: 'taken', summary } }] }, 1);
  return String(stderr.read());
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
