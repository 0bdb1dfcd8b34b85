import { timeTarget } from '../../backup/restore/target.ts';
import { DbadminError } from '../../base/errors.ts';
import type { ClusterConfig, Config } from '../../config/config.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import type { AccessGraph, AccessNames } from '../../roles/access/graph.ts';
import { inspectAccess } from '../../roles/access/inspect.ts';
import { plannedAccess } from '../../roles/access/planned.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { inspectAndPlan, loadRoles } from './load-roles.ts';
import { inRestoredCluster } from './restored-access.ts';

/** What the question is asked of. */
export interface Asked {
  readonly clusterName: string;
  readonly database: string;
  readonly at: Date | undefined;
  /** The roles file whose plan is thought to be applied. */
  readonly whatIf: string | undefined;
  readonly graph: AccessGraph;
  /** As it would be after that plan. */
  readonly planned: AccessGraph | undefined;
}

/** Reads who may do what now, at the moment of --at, and with --what-if as a plan would leave it. */
export async function askAccess(
  context: CommandContext,
  input: CommandInput,
  { config, cluster }: { readonly config: Config; readonly cluster: ClusterConfig },
  names: AccessNames,
): Promise<Asked> {
  const database = textOption(input, 'database') ?? cluster.connection.database;
  const given = textOption(input, 'at');
  const target = given === undefined ? undefined : timeTarget(given, context.clock.now());
  const at = target?.at;
  const file = input.options['whatIf'];
  const isWhatIf = file !== undefined && file !== false;
  if (at !== undefined && isWhatIf) throw new DbadminError('usage', '--at asks the past and --what-if the future: give one of them');
  const read = async (connection: ConnectionParameters): Promise<AccessGraph> => {
    const graph = await inspectAccess(connection, [database], names);
    if (graph.databases.has(database)) return graph;
    throw new DbadminError('usage', `there is no database ${database}, or it takes no connections`, { hint: 'Name one with --database.' });
  };
  const base = { clusterName: cluster.name, database, at };
  if (target !== undefined)
    return {
      ...base,
      whatIf: undefined,
      graph: await inRestoredCluster(context, input, { config, cluster, target }, read),
      planned: undefined,
    };
  const graph = await read(cluster.connection);
  if (!isWhatIf) return { ...base, whatIf: undefined, graph, planned: undefined };
  const options = typeof file === 'string' ? { ...input.options, file } : input.options;
  const project = await loadRoles(context, { ...input, options });
  const { plan } = await inspectAndPlan(context, project);
  return { ...base, whatIf: project.document.file, graph, planned: plannedAccess(graph, plan.changes) };
}
