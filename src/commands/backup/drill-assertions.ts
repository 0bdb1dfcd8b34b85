import type { DrillAssertion } from '../../backup/drill/assertions-run.ts';
import { DbadminError, isDbadminError } from '../../base/errors.ts';
import { suggestion } from '../../base/spelling.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadPolicies } from '../schedule/load-policies.ts';

/** What the policies say has to hold in a restored clone of the cluster: those of one policy, or of every one of the cluster. */
export async function drillAssertions(
  context: CommandContext,
  input: CommandInput,
  clusterName: string,
): Promise<readonly DrillAssertion[]> {
  const named = textOption(input, 'policy');
  let jobs: Awaited<ReturnType<typeof loadPolicies>>['policies']['jobs'];
  try {
    const { policies } = await loadPolicies(context, input);
    if (named !== undefined && !policies.policies.has(named))
      throw new DbadminError('usage', `there is no policy "${named}"${suggestion(named, policies.policies.keys())}`);
    jobs = policies.jobs;
  } catch (error) {
    // A cluster may be drilled by hand without a schedule.
    if (named === undefined && isDbadminError(error, 'config-missing')) return [];
    throw error;
  }
  return jobs.flatMap(({ work }) =>
    work.kind === 'drill' && work.cluster === clusterName && (named === undefined || work.policy === named) ? work.assertions : [],
  );
}
