import type { DrillAssertion } from '../../backup/drill/assertions-run.ts';
import { DbadminError, isDbadminError } from '../../base/errors.ts';
import { suggestion } from '../../base/spelling.ts';
import type { Policies } from '../../schedule/policies.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadPolicies } from '../schedule/load-policies.ts';

/** A policy that asks nothing of this cluster: its drill would be signed as passed, with nothing asked. @throws {DbadminError} `usage` */
function refuseOther({ policies, jobs }: Policies, named: string, clusterName: string): void {
  const policy = policies.get(named);
  if (policy === undefined) throw new DbadminError('usage', `there is no policy "${named}"${suggestion(named, policies.keys())}`);
  if (policy.cluster !== clusterName)
    throw new DbadminError('usage', `policy ${named} is of cluster ${policy.cluster}, and not of ${clusterName}`, {
      hint: `Say which cluster is drilled: --cluster ${policy.cluster}.`,
    });
  if (!jobs.some(({ work }) => work.kind === 'drill' && work.policy === named))
    throw new DbadminError('usage', `policy ${named} has no drill, whose assertions could be asked`, {
      hint: 'Leave --policy out, or write what is to hold under drill: assert: in backups/policies.yaml.',
    });
}

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
    if (named !== undefined) refuseOther(policies, named, clusterName);
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
