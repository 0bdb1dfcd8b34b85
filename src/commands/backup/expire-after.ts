import { findCluster } from '../../backup/lineage-inspect.ts';
import { expireLineage } from '../../backup/expire/run.ts';
import { DbadminError } from '../../base/errors.ts';
import type { ClusterConfig } from '../../config/config.ts';
import { DEFAULT_GRACE_MS } from '../../repository/collection-plan.ts';
import type { Repository } from '../../repository/repository.ts';
import type { RetentionSettings } from '../../schedule/policies.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { findRetention, keepsDumpsOnly } from './retention-policy.ts';
import { contentProblem, hasChanged, showExpired, warnOfContent } from './show-expiry.ts';

/** Where something was taken, and of which cluster. */
interface Place {
  readonly name: string;
  readonly repository: Repository;
  readonly systemIdentifier: string;
}

/** What kept older ones from going; `isRemoved`: they are gone, and the room that they took is not free. */
export interface NotExpired {
  readonly error: DbadminError;
  readonly isRemoved: boolean;
}

/**
 * Lets go what the policy of the cluster does not keep, after a successful backup (`taken` is its label) and with its lease released: nothing
 * where no policy has a retention for this repository or where it says `expire: manual`. Says nothing when all of it stays.
 * Nor does anything go when the new one rests on content that a verification found damaged. What goes wrong is
 * given back, for the backup is there: a repository from which nothing goes any more is full one day. That another one expires there at this moment is nothing wrong.
 */
export async function expireAfterBackup(
  context: CommandContext,
  input: CommandInput,
  cluster: ClusterConfig,
  place: Place,
  taken: string,
): Promise<NotExpired | undefined> {
  const policy = async (): Promise<RetentionSettings | undefined> => await findRetention(context, input, cluster.name, place.name);
  return await letGo(context, cluster, place, policy, { what: 'backup', after: taken });
}

/** The same after a dump, where dumps are all there is: no backup comes that would do it. */
export async function expireAfterDump(
  context: CommandContext,
  input: CommandInput,
  cluster: ClusterConfig,
  place: Place,
): Promise<NotExpired | undefined> {
  const policy = async (): Promise<RetentionSettings | undefined> => {
    if (!(await keepsDumpsOnly(context, input, cluster.name, place.name))) return undefined;
    return await findRetention(context, input, cluster.name, place.name);
  };
  return await letGo(context, cluster, place, policy, { what: 'dump' });
}

async function letGo(
  context: CommandContext,
  cluster: ClusterConfig,
  place: Place,
  policy: () => Promise<RetentionSettings | undefined>,
  { what, ...taken }: { readonly what: 'backup' | 'dump'; readonly after?: string },
): Promise<NotExpired | undefined> {
  const { clock, log, signal, output } = context;
  try {
    const retention = await policy();
    if (retention === undefined || retention.expire === 'manual') return undefined;
    const lineage = await findCluster(place.repository, cluster.name, place.systemIdentifier);
    const outcome = await expireLineage(place.repository, lineage, {
      retention,
      graceMs: DEFAULT_GRACE_MS,
      ...taken,
      clock,
      log,
      signal,
    });
    if (!hasChanged(outcome)) return undefined;
    output.line(`  expire     by the policy of ${cluster.name} in ${place.name}`);
    showExpired(context, outcome);
    const problem = contentProblem(place.repository, outcome);
    if (problem?.isByDesign === false) return { error: problem.error, isRemoved: true };
    if (problem !== undefined) warnOfContent(context, problem.error);
    return undefined;
  } catch (error) {
    if (!(error instanceof DbadminError) || error.code === 'interrupted') throw error;
    if (error.code !== 'locked') return { error, isRemoved: false };
    warnOfNotExpired(output, what, place.name, { error, isRemoved: false });
    return undefined;
  }
}

/** The last thing to be said: schedules tell it as the reason. */
export function warnOfNotExpired(
  output: Pick<CommandContext['output'], 'warn'>,
  what: 'backup' | 'dump',
  name: string,
  { error, isRemoved }: NotExpired,
): void {
  const detail = error.detail === undefined ? '' : `\n  detail: ${error.detail}`;
  const advice =
    error.code === 'storage-denied'
      ? 'Where another one expires, as with the IAM policy of a writer, say expire: manual in the retention of the policy.'
      : error.hint;
  const hint = advice === undefined ? '' : `\n  hint: ${advice}`;
  const butWhat = isRemoved ? `the room of older ones was not freed in ${name}` : `older ones were not removed from ${name}`;
  output.warn(`the ${what} is taken, but ${butWhat}: ${error.message}${detail}${hint}`);
}

/** What results say of it. */
export function expiredJson(problem: NotExpired | undefined): object {
  return problem === undefined ? {} : { expired: { error: errorJson(problem.error) } };
}

/** As results name what went wrong. */
export function errorJson({ code, message, detail, hint }: DbadminError): object {
  return { code, message, detail, hint };
}
