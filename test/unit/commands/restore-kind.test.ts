import { describe, expect, test } from 'vitest';
import { RESTORE_COMMANDS } from '../../../src/commands/restore/group.ts';
import { HEEDED, restoreKind } from '../../../src/commands/restore/restore-kind.ts';

const kindOf = (options: Record<string, string | boolean | readonly string[]>): string => restoreKind({ args: [], options });

describe('restoreKind', () => {
  test('each option of the command is acted on by some kind of restore, and no kind has others', () => {
    const options = RESTORE_COMMANDS.find(({ name }) => name === 'restore')?.options ?? [];
    const names = options.map(({ flags }) =>
      flags.replace(/^--([\w-]+).*$/, '$1').replaceAll(/-(\w)/g, (_dash, letter: string) => letter.toUpperCase()),
    );
    expect([...new Set(Object.values(HEEDED).flat())].sort()).toEqual([...names].sort());
  });

  test('is told by --table and --dump', () => {
    expect(kindOf({ into: '/srv/restored', to: 'yesterday', start: true, yes: true })).toBe('cluster');
    expect(kindOf({ table: ['core.play'], toLatest: true, reconcile: true, json: true })).toBe('tables');
    expect(kindOf({ dump: '20261121T203001Z-dump', globals: true, config: 'dbadmin.yaml' })).toBe('dump');
    expect(kindOf({ dump: '20261121T203001Z-dump', into: '/srv/dump', globals: true, databases: ['shop'], dryRun: true })).toBe('files');
  });

  test.each([
    [{ dump: 'x', reconcile: true }, '--reconcile does not go with --dump', /--dry-run names it/],
    [{ dump: 'x', table: ['core.play'] }, '--table does not go with --dump', /--databases/],
    [{ dump: 'x', toLatest: true }, '--to-latest does not go with --dump', /goes with it: /],
    [{ dump: 'x', beforeDrop: 'core.play' }, '--before-drop does not go with --dump', /goes with it: /],
    [{ dump: 'x', into: '/srv/dump', name: ['a=b'] }, '--name does not go with --dump and --into', /--databases, --globals, --into/],
    [{ dump: 'x', into: '/srv/dump', jobs: '2' }, '--jobs does not go with --dump and --into', /goes with it: /],
    [{ dump: 'x', into: '/srv/dump', intoUrl: 'postgresql://other' }, '--into-url does not go with --dump and --into', /goes with it: /],
    [{ dump: 'x', into: '/srv/dump', start: true }, '--start does not go with --dump and --into', /goes with it: /],
    [{ table: ['core.play'], replayMigrations: true, reconcile: true }, '--replay-migrations does not go with --table', /--into-url/],
    [{ table: ['core.play'], into: '/srv/restored' }, '--into does not go with --table', /--into-url/],
    [{ table: ['core.play'], as: 'production' }, '--as does not go with --table', /--into-url/],
    [{ table: ['core.play'], start: true }, '--start does not go with --table', /--into-url/],
    [{ into: '/srv/restored', globals: true }, '--globals goes with --dump', /without it/],
    [{ into: '/srv/restored', intoUrl: 'postgresql://other' }, '--into-url goes with --table or --dump', /without it/],
    [{ into: '/srv/restored', toLatest: true, exclusive: true }, '--exclusive does not go with --to-latest', /--to-xid/],
    [{ into: '/srv/restored', immediate: true, exclusive: true }, '--exclusive does not go with --immediate', /--to-xid/],
    [{ table: ['core.play'], toName: 'before', exclusive: true }, '--exclusive does not go with --to-name', /--to-xid/],
    [{ into: '/srv/restored', toLatest: true, database: 'shop' }, '--database goes with --table or --before-drop', /all its databases/],
    [{ into: '/srv/restored', toLatest: true, action: 'pause' }, '--action pause does not go with --to-latest', /--to-lsn/],
  ])('%j is refused: it would be passed over', (options, message, hint) => {
    expect(() => kindOf(options)).toThrow(
      expect.objectContaining({ code: 'usage', message, hint: expect.stringMatching(hint) as unknown }),
    );
  });

  test.each(['to', 'toLsn', 'toXid', 'beforeDrop'])('--exclusive goes with %s', (target) => {
    expect(kindOf({ into: '/srv/restored', [target]: 'x', exclusive: true })).toBe('cluster');
  });

  test('--database says where --before-drop looks', () => {
    expect(kindOf({ into: '/srv/restored', beforeDrop: 'core.play', database: 'shop' })).toBe('cluster');
  });
});
