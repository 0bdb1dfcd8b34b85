import { describe, expect, it } from 'vitest';
import { inputTypes } from '../../../src/roles/routine-name.ts';

describe('inputTypes', () => {
  it.each([
    ['', ''],
    ['bigint, text', 'bigint, text'],
    ['IN bigint, OUT text', 'bigint'],
    ['INOUT integer, VARIADIC text[], in out date', 'integer, text[], date'],
    ['out', 'out'],
    ['"OUT x", core."a, b", numeric(10, 2)', '"OUT x", core."a, b", numeric(10, 2)'],
    ['int"', 'int"'],
  ])('of %j is %j', (list, types) => {
    expect(inputTypes(list)).toBe(types);
  });
});
