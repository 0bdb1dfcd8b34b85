import type { DumpedObject } from './dump.ts';

/** One object in which two schemas differ. */
export interface Difference {
  /** `added`: only in the second. */
  readonly change: 'added' | 'removed' | 'changed';
  /** `table`, `column`, `constraint`, `function`. */
  readonly type: string;
  /** `core.play`; `core.play.play_pkey` for what belongs to a table. */
  readonly name: string;
  /** Lines: `- ` only in the first, `+ ` only in the second. */
  readonly diff: readonly string[];
}

/** Types whose name is that of a table, a space, and their own. */
const OF_A_TABLE: ReadonlySet<string> = new Set([
  'CONSTRAINT',
  'FK CONSTRAINT',
  'CHECK CONSTRAINT',
  'TRIGGER',
  'RULE',
  'POLICY',
  'DEFAULT',
]);

/** What an object is called, and what it is, in the words people use. */
export function describeObject({ type, schema, name }: DumpedObject): { readonly type: string; readonly name: string } {
  const word = type.replace(/^(FK|CHECK) CONSTRAINT$/, 'CONSTRAINT').toLowerCase();
  if (type === 'COMMENT') {
    const match = /^([A-Z]+(?: [A-Z]+)*) (.*)$/s.exec(name);
    if (match !== null) return { type: word, name: `on ${(match[1] ?? '').toLowerCase()} ${qualified(schema, match[2] ?? '')}` };
  }
  if (OF_A_TABLE.has(type) && name.split(' ').length === 2) return { type: word, name: qualified(schema, name.replace(' ', '.')) };
  return { type: word, name: qualified(schema, name) };
}

function qualified(schema: string | undefined, name: string): string {
  return schema === undefined ? name : `${schema}.${name}`;
}
