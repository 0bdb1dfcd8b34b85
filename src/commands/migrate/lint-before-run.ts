import { DbadminError } from '../../base/errors.ts';
import type { FoundPlan } from '../../migrate/hooks.ts';
import { formatText } from '../../migrate/lint/format/text.ts';
import { lintRun } from '../../migrate/lint/run.ts';
import { count } from './load-migrations.ts';

/**
 * Looks at what is about to be applied. Gives a warning for each finding that is one.
 *
 * @throws {DbadminError} `migration-dangerous` when one is an error that its file does not allow.
 */
export async function lintBeforeRun(found: FoundPlan): Promise<readonly string[]> {
  const findings = await lintRun(found);
  const errors = findings.filter(({ severity }) => severity === 'error');
  const [first] = errors;
  if (first !== undefined) {
    throw new DbadminError('migration-dangerous', `lint finds ${count(errors.length, 'error')} in what is pending; nothing was applied`, {
      detail: formatText(errors, (_, text) => text).join('\n'),
      hint: `Write what is safe, or say in the file why it is meant so: -- dbadmin: allow ${first.rule} -- reason`,
    });
  }
  const warnings = findings.filter(({ severity }) => severity === 'warning');
  return warnings.map(({ file, line, column, message, blocked, rule }) => {
    return `${file}:${line}:${column}: ${message}${blocked === undefined ? '' : `: ${blocked}`} (${rule}; dbadmin migrate lint says what is safe)`;
  });
}
