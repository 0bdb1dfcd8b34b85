import { DbadminError } from '../../base/errors.ts';
import { inspectServer } from '../../migrate/session/inspect-server.ts';
import { findClientProgram, wantedFor } from '../../postgres/programs.ts';
import { newestReplayMajor } from '../../migrate/schema/place-inspect.ts';
import { withScratch, type ScratchPlace } from '../../migrate/schema/scratch-run.ts';
import type { ReplayOptions } from '../../migrate/schema/replay-run.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { withSession, type MigrateProject } from './load-migrations.ts';

/**
 * Does `work` with an empty database to replay into. `wanted` is the major to replay on; undefined for the newest there is.
 *
 * @throws {DbadminError} `program-missing` before anything is started, `refused` when the scratch server is the cluster itself.
 */
export async function withReplay<Value>(
  context: CommandContext,
  input: CommandInput,
  project: MigrateProject,
  wanted: number | undefined,
  work: (options: ReplayOptions) => Promise<Value>,
): Promise<Value> {
  const { env, clock, log, signal, version } = context;
  const { place, major } = await choosePlace(context, input, project, wanted);
  await findClientProgram('pg_dump', place.kind === 'server' ? wantedFor(place.connection, major) : { atLeastMajor: major }, env);
  const { directories, config, cluster } = project;
  return await withScratch(place, cluster.connection.database, env, async (scratch) => {
    return await work({ scratch, major, directories, historySchema: config.migrate.schema, toolVersion: version, env, clock, log, signal });
  });
}

async function choosePlace(
  context: CommandContext,
  input: CommandInput,
  project: MigrateProject,
  wanted: number | undefined,
): Promise<{ readonly place: ScratchPlace; readonly major: number }> {
  const url = textOption(input, 'scratch');
  if (url === undefined) {
    const major = wanted ?? (await newestReplayMajor(context.env));
    return { place: { kind: 'own', major }, major };
  }
  const { cluster } = await loadProject(context, { ...input, options: { ...input.options, url } });
  const { connection } = cluster;
  if (JSON.stringify(connection.hosts) === JSON.stringify(project.cluster.connection.hosts) && textOption(input, 'url') !== url) {
    throw new DbadminError('refused', '--scratch leads to the cluster itself', {
      hint: 'Name another server: the migrations make roles there, and may do anything that SQL can.',
    });
  }
  const { major } = await withSession(context, { ...project, cluster }, inspectServer);
  return { place: { kind: 'server', connection }, major };
}
