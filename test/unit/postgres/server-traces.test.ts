import { describe, expect, test } from 'vitest';
import { attachedTo } from '../../../src/postgres/server-traces.ts';

const TABLE = `       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime                   rss                  swap
   4214859    1736704   600                    56  4585  4589      3 65534 65534 65534 65534 1795330721 1795330721 1795330721                  4096                     0
   2309719    1998849   600                    56 28173 28178      0 65534 65534 65534 65534 1795331931 1795331931 1795331928                  4096                     0
`;

describe('attachedTo', () => {
  test.each([
    ['processes have it attached', 4_214_859, 1_736_704, 3],
    ['nobody has it attached any more', 2_309_719, 1_998_849, 0],
    ['another segment has the id now', 1, 1_736_704, 0],
    ['there is no such segment', 4_214_859, 9, 0],
  ])('%s', (_, key, id, attached) => expect(attachedTo(TABLE, key, id)).toBe(attached));

  test('a system that does not tell: nobody', () => expect(attachedTo('', 4_214_859, 1_736_704)).toBe(0));
});
