import { expect, test } from 'vitest';
import { restoreBefore } from '../../../src/commands/wal/find.ts';

test('the restore that wal find names is of what was searched, and along that timeline', () => {
  const outcome = { kind: 'commit', lsn: 0x5000100n, endLsn: 0x5000130n, xid: 757, time: 0n } as unknown as Parameters<
    typeof restoreBefore
  >[1]['outcome'];
  const named = (options: Readonly<Record<string, string>>): string => restoreBefore({ args: [], options }, { kind: 'dropped', outcome });
  expect(named({ drop: 'public.orders' })).toBe('dbadmin restore --to-lsn 0/5000100 --exclusive --into DIR');
  expect(named({ drop: 'public.orders', timeline: '1', repository: 'offsite', cluster: 'shop', config: '/my shop/dbadmin.yaml' })).toBe(
    "dbadmin restore --to-lsn 0/5000100 --exclusive --config '/my shop/dbadmin.yaml' --cluster shop --repository offsite --timeline 1 --into DIR",
  );
});
