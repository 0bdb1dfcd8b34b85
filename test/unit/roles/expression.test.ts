import fc from 'fast-check';
import { loadModule, parseSync } from 'libpg-query';
import { beforeAll, describe, expect, it } from 'vitest';
import { expressionProblem } from '../../../src/roles/document/expression.ts';

beforeAll(async () => {
  await loadModule();
});

describe('expressionProblem', () => {
  it.each([
    ["tenant = current_setting('app.tenant', true)::uuid"],
    ["note ~ '^[)]' and x"],
    ["(a) or (b[1] = 'it''s')"],
    [`"odd )" = $q$ ) ; $q$`],
    ['a -- ) ;\n or b'],
    ['a /* ) /* nested ; */ */ and b'],
    ["x = E'\\') ; '"],
    ['foo$a$ = 1'],
  ])('takes %s', (text) => {
    expect(expressionProblem(text)).toBeUndefined();
  });

  it.each([
    ['', 'the expression is empty'],
    ['  ', 'the expression is empty'],
    ['true) to public; drop table t; --', '")" closes nothing'],
    ['a; b', 'it holds a semicolon: write one expression'],
    ['(a', '"(" is not closed'],
    ['a]', '"]" closes nothing'],
    ["note = 'open", "'open is not closed"],
    ['a /* open', 'a comment is not closed'],
    ['$q$ open', '$q$ open is not closed'],
    ['"open', '"open is not closed'],
    ['a\0', 'an expression may not hold a NUL character'],
  ])('refuses %j: %s', (text, problem) => {
    expect(expressionProblem(text)).toBe(problem);
  });

  it('whatever it takes stays between the parentheses, as the grammar of the server sees it', () => {
    const piece = fc.constantFrom(
      '(',
      ')',
      '[',
      ']',
      "'",
      '"',
      '$$',
      '$q$',
      '--',
      '\n',
      '/*',
      '*/',
      ';',
      'a',
      ' or ',
      "E'",
      '\\',
      "''",
      '1',
      ' ',
      '::int',
      '$',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
        const text = pieces.join('');
        fc.pre(expressionProblem(text) === undefined);
        let parsed: unknown;
        try {
          parsed = parseSync(`SELECT (${text}\n), 'after'`);
        } catch {
          return;
        }
        const { stmts } = parsed as {
          stmts: { stmt: { SelectStmt: { targetList: { ResTarget: { val: { A_Const?: { sval: { sval: string } } } } }[] } } }[];
        };
        expect(stmts).toHaveLength(1);
        expect(stmts[0]?.stmt.SelectStmt.targetList.at(-1)?.ResTarget.val.A_Const?.sval.sval).toBe('after');
      }),
      { seed: 815, numRuns: 3000, maxSkipsPerRun: 100 },
    );
  });
});
