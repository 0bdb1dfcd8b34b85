import { expect, test } from 'vitest';
import { baseBackupCommand } from '../../../src/postgres/base-backup-command.ts';

const OPTIONS = { label: "it's", fastCheckpoint: true, verifyChecksums: true, manifestChecksums: 'CRC32C' } as const;

test('until 14 the words have a fixed order', () => {
  expect(baseBackupCommand(14, { ...OPTIONS, maxRateKb: 100, verifyChecksums: false })).toBe(
    "BASE_BACKUP LABEL 'it''s' PROGRESS FAST NOWAIT MAX_RATE 100 NOVERIFY_CHECKSUMS MANIFEST 'yes' MANIFEST_CHECKSUMS 'CRC32C'",
  );
});

test('from 15 on it is a list in parentheses', () => {
  const command = baseBackupCommand(15, { ...OPTIONS, fastCheckpoint: false, manifestChecksums: 'SHA256' });
  expect(command).toMatch(/^BASE_BACKUP \(LABEL 'it''s', .*\)$/);
  expect(command).toContain("CHECKPOINT 'spread'");
  expect(command).toContain('WAL false, WAIT false');
  expect(command).toContain("MANIFEST_CHECKSUMS 'SHA256'");
  expect(command).not.toContain('MAX_RATE');
});

test.each([31, 1_048_577, 100.5, Number.NaN, -1])('a rate of %d kB/s is refused', (maxRateKb) => {
  expect(() => baseBackupCommand(17, { ...OPTIONS, maxRateKb })).toThrow(expect.objectContaining({ code: 'config-invalid' }));
});
