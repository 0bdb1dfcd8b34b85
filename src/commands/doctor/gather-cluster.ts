import type { AgeLimits } from '../../backup/check/ages.ts';
import { failed as failedFinding, type Finding } from '../../backup/check/finding.ts';
import { isThisMachine } from '../../backup/check/keys-inspect.ts';
import { checkRepository } from '../../backup/check/repository-inspect.ts';
import { checkServer } from '../../backup/check/server-inspect.ts';
import { DbadminError } from '../../base/errors.ts';
import type { ClusterConfig, Config } from '../../config/config.ts';
import { fine, remark, wrong, type Area, type Examined } from '../../doctor/examined.ts';
import { inspectServerState } from '../../doctor/server-inspect.ts';
import { judgeServer } from '../../doctor/server.ts';
import { reasonFor } from '../../doctor/why.ts';
import { findClientProgram, findServerPrograms, wantedFor } from '../../postgres/programs.ts';
import { NEWEST_MAJOR, OLDEST_MAJOR } from '../../postgres/server-version.ts';
import type { BackupPolicy } from '../../schedule/policies.ts';
import type { CommandContext } from '../command.ts';
import { openRepository, selectRepositories } from '../open-repository.ts';
import { dumpPromises, limitsOf } from '../status/limits.ts';

/** Everything that is known of one cluster and its repositories, whatever of it is away. */
export async function examineCluster(
  context: CommandContext,
  config: Config,
  cluster: ClusterConfig,
  { policies, dumps }: { readonly policies: readonly BackupPolicy[]; readonly dumps: boolean },
): Promise<readonly Examined[]> {
  const { connection, replication, slot } = cluster;
  const limits = limitsOf(policies);
  const found: Examined[] = [];
  const name = (finding: Finding): Finding => ({ ...finding, what: `${cluster.name} ${finding.what}` });
  const isArchived = limits.walMode === 'archive';
  const server = await checkServer({ connection, replication, slot, dumpsOnly: limits.dumpsOnly, isArchived, clock: context.clock });
  // That nobody receives is told of below, by what the policies want.
  found.push(
    ...server.findings
      .filter(({ what }) => what !== 'wal receive' || limits.walMode !== 'none')
      .map((each) => examined('server', name(each), each.what)),
  );
  const state = await attemptOrUndefined(async () => await inspectServerState(connection, slot));
  if (state !== undefined) {
    found.push(...judgeServer(cluster.name, state, { walMode: limits.walMode, isLocal: isThisMachine(connection.hosts) }));
    found.push(...(await examinePrograms(context, cluster, Math.floor(state.version / 10_000), dumps)));
  }
  found.push(...(await examineRepositories(context, config, cluster, server.systemIdentifier, policies)));
  return found;
}

async function examineRepositories(
  context: CommandContext,
  config: Config,
  cluster: ClusterConfig,
  systemIdentifier: string | undefined,
  policies: readonly BackupPolicy[],
): Promise<readonly Examined[]> {
  if (cluster.repositories.length === 0)
    return [
      wrong(
        'repository',
        `${cluster.name} repository`,
        'none',
        reasonFor('repository'),
        'name one in dbadmin.yaml: clusters → repositories',
      ),
    ];
  const found: Examined[] = [];
  const limits = limitsOf(policies);
  const ages: AgeLimits = {
    dumpsOnly: limits.dumpsOnly ? [cluster.name] : [],
    backupAgeMs: limits.backupAgeMs,
    drillAgeMs: limits.drillAgeMs,
  };
  for (const place of selectRepositories(config, cluster, undefined)) {
    const options = {
      name: place.name,
      clusterName: cluster.name,
      systemIdentifier,
      limits: ages,
      dumps: dumpPromises(policies, place.name),
      clock: context.clock,
      databaseIsHere: isThisMachine(cluster.connection.hosts),
    };
    try {
      const repository = await openRepository(context, place);
      try {
        found.push(...(await checkRepository(repository, options)).map((each) => examined('repository', each, each.what)));
      } finally {
        await repository.store.close();
      }
    } catch (error) {
      if (!(error instanceof DbadminError) || error.code === 'interrupted') throw error;
      const finding = failedFinding(`repository ${place.name}`, error);
      found.push(examined('repository', finding, finding.what));
    }
  }
  return found;
}

/** A finding of the checks of backups, with the reason that belongs to `about`. */
function examined(area: Area, { what, state, detail, fix }: Finding, about: string): Examined {
  if (state === 'ok') return fine(area, what, detail);
  return (state === 'note' ? remark : wrong)(area, what, detail, reasonFor(about), fix ?? 'dbadmin backup check --verbose tells the cause');
}

async function examinePrograms(
  { env }: CommandContext,
  { name: cluster, connection }: ClusterConfig,
  major: number,
  dumps: boolean,
): Promise<readonly Examined[]> {
  const found: Examined[] = [];
  const version = `${cluster} version`;
  if (major < OLDEST_MAJOR || major > NEWEST_MAJOR)
    found.push(
      wrong(
        'server',
        version,
        `PostgreSQL ${major} is not supported`,
        `dbadmin knows ${OLDEST_MAJOR} to ${NEWEST_MAJOR}`,
        'see dbadmin --version and its changelog',
      ),
    );
  else if (major === OLDEST_MAJOR)
    found.push(
      remark(
        'server',
        version,
        `PostgreSQL ${major} has reached the end of its life`,
        'faults in it are not mended any more',
        'upgrade the server',
      ),
    );
  else found.push(fine('server', version, `PostgreSQL ${major}`));
  for (const program of ['pg_dump', 'psql'] as const) {
    try {
      const { path, version: theirs } = await findClientProgram(program, wantedFor(connection, major), env);
      found.push(fine('machine', `${program} for ${cluster}`, `${path} ${theirs}`));
    } catch (error) {
      if (!(error instanceof DbadminError)) throw error;
      const isScheduled = program === 'pg_dump' && dumps;
      found.push(
        (isScheduled ? wrong : remark)(
          'machine',
          `${program} for ${cluster}`,
          error.message,
          isScheduled ? 'the dumps of the schedule fail' : 'dumps and schema files need it',
          error.hint ?? 'install the client programs',
        ),
      );
    }
  }
  const programs = await attemptOrUndefined(async () => await findServerPrograms(major, env));
  found.push(
    programs === undefined
      ? remark(
          'machine',
          `server programs for ${cluster}`,
          `none of PostgreSQL ${major} on this machine`,
          'drills and rehearsals start a clone',
          `install PostgreSQL ${major}, or set DBADMIN_PG_BIN_${major}`,
        )
      : fine('machine', `server programs for ${cluster}`, programs.binDirectory),
  );
  return found;
}

async function attemptOrUndefined<Value>(work: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await work();
  } catch (error) {
    // Why it cannot be had is told by the checks before.
    if (error instanceof DbadminError && error.code === 'interrupted') throw error;
    return undefined;
  }
}
