import path from 'node:path';
import { DbadminError } from '../../base/errors.ts';
import { readPlanFile } from '../../base/plan-file.ts';
import { loadSqlParser } from '../../migrate/sql/parser.ts';
import type { ExpectedPlan } from '../../migrate/hooks.ts';
import type { PlanPolicy } from '../../migrate/plan.ts';
import { parseSavedPlan } from '../../migrate/saved-plan/format.ts';
import { expectedPlan } from '../../migrate/saved-plan/inspect.ts';
import { flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';

/** What `--plan FILE` means for a run: only that plan, under the policy it was made with. Undefined without the option. */
export async function savedPlan(
  context: CommandContext,
  input: CommandInput,
): Promise<{ readonly expected: ExpectedPlan; readonly policy: PlanPolicy } | undefined> {
  const file = textOption(input, 'plan');
  if (file === undefined) return undefined;
  if (flagOption(input, 'outOfOrder') || flagOption(input, 'allowMissing')) {
    throw new DbadminError('usage', '--plan holds what --out-of-order and --allow-missing say', {
      hint: 'Give them to dbadmin migrate plan --out.',
    });
  }
  const place = path.resolve(context.cwd, file);
  const saved = parseSavedPlan(await readPlanFile(place), place);
  return { expected: expectedPlan(saved, await loadSqlParser()), policy: saved.policy };
}
