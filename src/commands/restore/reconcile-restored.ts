import { access } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { messageOf } from '../../base/errors.ts';
import { applyReconcile, type Reconciled } from '../../backup/reconcile/apply.ts';
import { describeEntry } from '../../backup/reconcile/describe.ts';
import { isErasure, olderThanMigrations, withoutOvertaken } from '../../backup/reconcile/returning.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import type { LedgerEntry } from '../../repository/ledger.ts';
import { applyRoles } from '../../roles/apply.ts';
import { describeChange } from '../../roles/describe.ts';
import { leavingAlone } from '../../roles/retirement.ts';
import { DEFAULT_RETRY } from '../../migrate/session/retry.ts';
import { migrateUp } from '../../migrate/run.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { inspectAndPlan as planMigrations, loadMigrations } from '../migrate/load-migrations.ts';
import { inspectAndPlan as planRoles, loadRoles, type RolesProject } from '../roles/load-roles.ts';

/** How a restored cluster differs from what the project's own files say; undefined where it could not be compared. */
export interface ProjectDifference {
  /** Changes that roles.yaml asks for, one line each; undefined without such a file. */
  readonly roles: readonly string[] | undefined;
  /** Migration files and routines that the restored database has not; undefined without such files. */
  readonly migrations: readonly string[] | undefined;
}

/** What was taken away again. */
export interface ReconcileReport extends ProjectDifference {
  readonly ledger: readonly Reconciled[];
  readonly migrationsReplayed: boolean;
}

/** Compares the restored cluster with roles.yaml and the migrations. What cannot be compared, or is not waited for any longer, is warned of. */
export async function compareWithProject(
  context: CommandContext,
  input: CommandInput,
  connection: ConnectionParameters,
): Promise<ProjectDifference> {
  const attempt = async <Value>(what: string, work: () => Promise<Value>): Promise<Value | undefined> => {
    try {
      context.signal.throwIfAborted();
      return await unlessAborted(context.signal, work());
    } catch (error) {
      // Interrupted or not: the cluster is open, and whoever waits has to be told of that.
      context.log.warn(`${what} of the restored cluster could not be compared with the project: ${messageOf(error)}`);
      return undefined;
    }
  };
  return {
    roles: await attempt('the roles', async () => await roleDifferences(context, input, connection)),
    migrations: await attempt('the migrations', async () => await migrationDifferences(context, input, connection)),
  };
}

/** What `work` gives; once the signal is aborted it is left to itself. */
async function unlessAborted<Value>(signal: AbortSignal, work: Promise<Value>): Promise<Value> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/**
 * Takes away again what came back, as `superuser` of a cluster that nobody else can reach: migrations first when they are asked for,
 * since they may give again what was taken away after them, or speak of a role that was dropped after them; then passwords, roles and
 * privileges, then who is to be forgotten, and roles.yaml last: it says what is to be now.
 *
 * @throws {DbadminError} at the first thing that fails; the cluster then has to stay unreachable.
 */
export async function reconcileRestored(
  context: CommandContext,
  input: CommandInput,
  superuser: ConnectionParameters,
  work: { readonly entries: readonly LedgerEntry[]; readonly replaysMigrations: boolean },
): Promise<ReconcileReport> {
  const entries = withoutOvertaken(work.entries);
  const migrations = await migrationDifferences(context, input, superuser);
  const replays = work.replaysMigrations && migrations !== undefined && migrations.length > 0;
  if (replays) await replayMigrations(context, input, superuser);
  const kept = entries.filter((entry) => !isErasure(entry));
  const ledger = [
    ...(await applyReconcile(superuser, kept)),
    ...(await applyReconcile(
      superuser,
      entries.filter((entry) => isErasure(entry)),
    )),
  ];
  if (replays) warnOfYoungerMigrations(context, entries, ledger);
  const left = ledger.flatMap(({ entry: { deed }, outcome }) => (outcome === 'left-as-owner' && 'role' in deed ? [deed.role] : []));
  const roles = await applyProjectRoles(context, input, superuser, left);
  return { ledger, roles, migrations, migrationsReplayed: replays };
}

function warnOfYoungerMigrations({ log }: CommandContext, entries: readonly LedgerEntry[], ledger: readonly Reconciled[]): void {
  const older = olderThanMigrations(entries);
  for (const { entry, outcome } of ledger) {
    if ((outcome !== 'undone' && outcome !== 'left-as-owner') || !older.includes(entry)) continue;
    log.warn(`a migration applied after it was replayed, too: ${describeEntry(entry)}; where that gave it back on purpose, give it again`);
  }
}

async function rolesProject(
  context: CommandContext,
  input: CommandInput,
  connection: ConnectionParameters,
): Promise<RolesProject | undefined> {
  const { config } = await loadMigrations(context, input);
  if (!(await exists(config.paths.roles))) return undefined;
  return { ...(await loadRoles(context, { ...input, options: { ...input.options, file: config.paths.roles } })), connection };
}

async function roleDifferences(
  context: CommandContext,
  input: CommandInput,
  connection: ConnectionParameters,
): Promise<readonly string[] | undefined> {
  const project = await rolesProject(context, input, connection);
  if (project === undefined) return undefined;
  const { plan } = await planRoles(context, project);
  return plan.changes.map((change) => lineOf(change));
}

/** Roles that are `left` because they own something are left alone, but those that the file declares: it refuses to drop one that owns something. */
async function applyProjectRoles(
  context: CommandContext,
  input: CommandInput,
  connection: ConnectionParameters,
  left: readonly string[],
): Promise<readonly string[] | undefined> {
  const project = await rolesProject(context, input, connection);
  if (project === undefined) return undefined;
  const { document, plan } = await planRoles(context, { ...project, document: leavingAlone(project.document, left) });
  const { clock, log, signal } = context;
  if (plan.changes.length > 0) {
    const options = { connection, sources: project.sources, clock, log, signal, randomBytes, lockTimeoutMs: 5000, waitMs: 5000 };
    await applyRoles(document, plan, options);
  }
  return plan.changes.map((change) => lineOf(change));
}

function lineOf(change: Parameters<typeof describeChange>[0]): string {
  const { risk, subject, sign, text } = describeChange(change);
  return `${risk} ${subject} ${sign} ${text}`;
}

/** In the database of the configuration's connection, as the migrations of the project are. */
async function migrationDifferences(
  context: CommandContext,
  input: CommandInput,
  connection: ConnectionParameters,
): Promise<readonly string[] | undefined> {
  const project = await loadMigrations(context, input);
  if (!(await exists(project.directories.migrations))) return undefined;
  const restored = { ...project.cluster, connection: { ...connection, database: project.cluster.connection.database } };
  const { plan } = await planMigrations(context, { ...project, cluster: restored }, { outOfOrder: true, missing: true });
  return [...plan.versioned.map(({ name }) => name.file), ...plan.routines.map(({ name }) => `routine ${name}`)];
}

async function replayMigrations(context: CommandContext, input: CommandInput, connection: ConnectionParameters): Promise<void> {
  const { config, cluster, directories } = await loadMigrations(context, input);
  const { clock, log, signal, version } = context;
  await migrateUp({
    connection: { ...connection, database: cluster.connection.database },
    schema: config.migrate.schema,
    lockTimeoutMs: config.migrate.lockTimeoutMs,
    directories,
    toolVersion: version,
    gitCommit: undefined,
    policy: { outOfOrder: true, missing: true },
    retry: DEFAULT_RETRY,
    waitMs: 5000,
    wantsRestorePoint: false,
    clock,
    random: Math.random,
    log,
    signal,
  });
}

async function exists(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch {
    return false;
  }
}
