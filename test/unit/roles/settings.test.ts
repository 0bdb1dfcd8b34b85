import { describe, expect, it } from 'vitest';
import { sameSetting, settingValue, splitList } from '../../../src/roles/settings.ts';

const MS = { vartype: 'integer', unit: 'ms' };
const PAGES = { vartype: 'integer', unit: '8kB' };
const BOOL = { vartype: 'bool', unit: undefined };

describe('sameSetting', () => {
  it.each([
    ['statement_timeout', '30s', '30000', MS, true],
    ['statement_timeout', '30 s', '30s', MS, true],
    ['statement_timeout', '1min', '60s', MS, true],
    ['statement_timeout', '30s', '30', MS, false],
    ['work_mem', '32MB', '32768', { vartype: 'integer', unit: 'kB' }, true],
    ['effective_cache_size', '8MB', '1024', PAGES, true],
    ['jit', 'off', 'false', BOOL, true],
    ['jit', 'on', 'off', BOOL, false],
    ['random_page_cost', '1.10', '1.1', { vartype: 'real', unit: undefined }, true],
    ['log_statement', 'ALL', 'all', { vartype: 'enum', unit: undefined }, true],
    ['app.tenant', 'A', 'a', undefined, false],
    ['app.tenant', '1.0', '1', undefined, false],
  ] as const)('%s: %j and %j', (name, left, right, type, same) => {
    expect(sameSetting(name, left, right, type)).toBe(same);
  });

  it('compares lists element by element, as the server stores them', () => {
    expect(sameSetting('search_path', ['app', 'Odd, one'], 'app, "Odd, one"', undefined)).toBe(true);
    expect(sameSetting('search_path', ['app, public'], 'app, public', undefined)).toBe(false);
    expect(sameSetting('search_path', '', '""', undefined)).toBe(true);
    expect(sameSetting('search_path', [''], [], undefined)).toBe(true);
    expect(sameSetting('search_path', [], ['', 'app'], undefined)).toBe(false);
    expect(sameSetting('datestyle', ['ISO', 'DMY'], 'ISO, DMY', undefined)).toBe(true);
  });
});

describe('settingValue', () => {
  it('makes a list of a search_path written as one text', () => {
    expect(settingValue('search_path', '"$user", public')).toEqual(['$user', 'public']);
    expect(settingValue('application_name', 'a, b')).toBe('a, b');
  });
});

describe('splitList', () => {
  it('keeps commas and doubled quotes inside quotes', () => {
    expect(splitList('a,"b ""c"", d" , e')).toEqual(['a', 'b "c", d', 'e']);
  });
});
