import { parseDuration } from '../../base/durations.ts';
import { messageOf } from '../../base/errors.ts';
import { suggestion } from '../../base/spelling.ts';
import { invalidAt } from './problems.ts';
import type { ScannedDirective } from '../sql/statements.ts';

/** What a file says about itself in `-- dbadmin:` lines before its first statement. */
export interface Directives {
  /** False with `no-transaction`: each statement on its own, with its own row in the history. */
  readonly transaction: boolean;
  readonly lockTimeoutMs: number | undefined;
  readonly statementTimeoutMs: number | undefined;
  readonly allow: readonly { readonly rule: string; readonly reason: string }[];
  readonly irreversible: boolean;
  /** Versions that must be applied, or come before it, first. */
  readonly requires: readonly { readonly version: string; readonly offset: number }[];
}

const KNOWN = ['no-transaction', 'lock-timeout', 'statement-timeout', 'allow', 'irreversible', 'requires', 'down'];

/**
 * The directives of a file, and the number of the statement that the down section begins with (undefined without one).
 *
 * @throws {DbadminError} `migration-invalid` for one that is unknown, malformed or in the wrong place.
 */
export function readDirectives(
  found: readonly ScannedDirective[],
  text: string,
  file: string,
): { readonly directives: Directives; readonly downFrom: number | undefined } {
  let transaction = true;
  let irreversible = false;
  let lockTimeoutMs: number | undefined;
  let statementTimeoutMs: number | undefined;
  let downFrom: number | undefined;
  const allow: { rule: string; reason: string }[] = [];
  const requires: { version: string; offset: number }[] = [];
  for (const directive of found) {
    const fail = (what: string, hint?: string): Error => invalidAt(file, text, directive.offset, what, hint);
    const [word = '', ...rest] = directive.text.split(/\s+/);
    const value = rest.join(' ');
    if (!KNOWN.includes(word)) throw fail(`unknown directive "${word}"${suggestion(word, KNOWN)}`, `Known are ${KNOWN.join(', ')}.`);
    if (directive.insideStatement) throw fail(`"-- dbadmin: ${word}" stands inside a statement`);
    if (word === 'down') {
      if (downFrom !== undefined) throw fail('a second down section');
      downFrom = directive.statementsBefore;
      continue;
    }
    if (directive.statementsBefore > 0 || downFrom !== undefined) {
      throw fail(`"-- dbadmin: ${word}" must stand before the first statement`);
    }
    if (['no-transaction', 'irreversible'].includes(word) && value !== '') throw fail(`${word} takes no value`);
    if (word === 'no-transaction') transaction = false;
    else if (word === 'irreversible') irreversible = true;
    else if (word === 'lock-timeout') lockTimeoutMs = readSpan(value, fail);
    else if (word === 'statement-timeout') statementTimeoutMs = readSpan(value, fail);
    else if (word === 'requires') {
      if (!/^(\d{8}T\d{6}|\d{1,17})$/.test(value)) throw fail('requires takes one version, such as 20261121T093000');
      requires.push({ version: value, offset: directive.offset });
    } else {
      const match = /^([a-z][a-z-]*)\s+--\s+(\S.*)$/.exec(value);
      if (match === null) throw fail('allow takes a rule and a reason', 'Write -- dbadmin: allow rename -- no application reads it yet.');
      allow.push({ rule: match[1] ?? '', reason: match[2] ?? '' });
    }
  }
  if (irreversible && downFrom !== undefined) {
    throw invalidAt(file, text, found.find(({ text: each }) => each === 'down')?.offset ?? 0, 'irreversible, and yet a down section');
  }
  return { directives: { transaction, lockTimeoutMs, statementTimeoutMs, allow, irreversible, requires }, downFrom };
}

function readSpan(value: string, fail: (what: string) => Error): number {
  try {
    return parseDuration(value);
  } catch (error) {
    throw fail(messageOf(error));
  }
}
