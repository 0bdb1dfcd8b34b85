import os from 'node:os';
import { inspectPosition, readVerifier } from '../../backup/reconcile/position-inspect.ts';
import { messageOf } from '../../base/errors.ts';
import { openClient } from '../../postgres/client.ts';
import { knowsCluster } from '../../repository/identity.ts';
import type { Deed } from '../../repository/ledger-deed.ts';
import { appendLedger, drawEntryName, type NamedEntry } from '../../repository/ledger.ts';
import type { Change, PrivilegeChange } from '../../roles/change.ts';
import { granteeText } from '../../roles/state.ts';
import type { CommandContext } from '../command.ts';
import { openRepository } from '../open-repository.ts';
import type { InspectedPlan, RolesProject } from './load-roles.ts';

/**
 * Writes into the ledger of each repository of the cluster what the changes that an apply made took away for good, so that a
 * restore to before it takes it away again. What fails is warned of: the changes are made all the same.
 */
export async function recordDeeds(
  context: CommandContext,
  { config, cluster }: RolesProject,
  { observed }: InspectedPlan,
  made: readonly Change[],
): Promise<void> {
  const deeds = made.flatMap((change) => deedOf(change, (role) => observed.cluster.roles.has(role)));
  await writeDeeds(context, { config, cluster }, withoutSuperseded(deeds));
}

/** A role that is dropped in the end was locked out first: that only counts where it stayed. */
function withoutSuperseded(deeds: readonly Deed[]): readonly Deed[] {
  const dropped = new Set(deeds.flatMap((deed) => (deed.kind === 'role-dropped' ? [deed.role] : [])));
  return deeds.filter((deed) => deed.kind !== 'role-disabled' || !dropped.has(deed.role));
}

/**
 * Writes deeds that are done into the ledger of each repository that knows the cluster, with the position and the verifiers of now. Also
 * where no backup is: a dump brings back what was taken away after it, and what is being taken now can end after its deed. Not where
 * nothing of the cluster ever was: with --url it may be one that is gone tomorrow, and nothing would clear its entries away.
 */
export async function writeDeeds(
  context: CommandContext,
  { config, cluster }: Pick<RolesProject, 'config' | 'cluster'>,
  deeds: readonly Deed[],
): Promise<void> {
  const { log, clock, env } = context;
  if (deeds.length === 0 || cluster.repositories.length === 0) return;
  try {
    const { position, complete } = await locate(cluster.connection, deeds);
    const by = `${env['USER'] ?? 'dbadmin'}@${os.hostname()}`;
    const entries = complete.map((deed): NamedEntry => ({ name: drawEntryName(), entry: { ...position, at: clock.now(), by, deed } }));
    for (const name of cluster.repositories) {
      const repository = config.repositories.get(name);
      if (repository !== undefined) await append(context, repository, entries);
    }
  } catch (error) {
    log.warn(`what was taken away is not written into the ledger: ${messageOf(error)}`);
  }
}

async function append(
  context: CommandContext,
  config: Parameters<typeof openRepository>[1],
  entries: readonly NamedEntry[],
): Promise<void> {
  try {
    const repository = await openRepository(context, config);
    try {
      const [first] = entries;
      if (first === undefined || !(await knowsCluster(repository, first.entry.systemIdentifier))) return;
      for (const { entry, name } of entries) await appendLedger(repository, entry, name);
    } finally {
      await repository.store.close();
    }
  } catch (error) {
    context.log.warn(`what was taken away is not written into the ledger of ${config.name}: ${messageOf(error)}`);
  }
}

/** Where the cluster stands now, which lies behind the deeds; and the deeds with the verifiers it has now. */
async function locate(
  connection: RolesProject['connection'],
  deeds: readonly Deed[],
): Promise<{ readonly position: Awaited<ReturnType<typeof inspectPosition>>; readonly complete: readonly Deed[] }> {
  const sql = await openClient(connection, { applicationName: 'dbadmin ledger' });
  try {
    const position = await inspectPosition(sql);
    const complete: Deed[] = [];
    for (const deed of deeds) {
      complete.push(deed.kind === 'password-rotated' ? { ...deed, verifier: await readVerifier(sql, deed.role) } : deed);
    }
    return { position, complete };
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** More single objects than this are left to roles.yaml, which a restore applies last. */
const MAX_NAMES = 100;

/** What of a change must stay so after a restore; `existed` tells which roles were there before it. */
export function deedOf(change: Change, existed: (role: string) => boolean): readonly Deed[] {
  if (change.kind === 'drop-role') return [{ kind: 'role-dropped', role: change.role }];
  if (change.kind === 'retire-login') return [{ kind: 'role-disabled', role: change.role }];
  if (change.kind === 'alter-role') return change.login === false ? [{ kind: 'role-disabled', role: change.role }] : [];
  if (change.kind === 'password') {
    // What is taken away without a new one the roles file takes away again, which a restore applies last.
    return change.action !== 'remove' && existed(change.role) ? [{ kind: 'password-rotated', role: change.role, verifier: null }] : [];
  }
  if (change.kind === 'revoke-membership') {
    return change.what === 'edge' ? [{ kind: 'membership-revoked', role: change.role, member: change.member }] : [];
  }
  if (change.kind !== 'privilege') return [];
  // What was made may be one statement for several grantees.
  return [change.grantee, ...(change.others ?? [])].flatMap((grantee) => privilegeDeeds(change, granteeText(grantee)));
}

function privilegeDeeds(change: PrivilegeChange, grantee: string): readonly Deed[] {
  const { on, database } = change;
  if (change.action !== 'revoke' || database === undefined) return [];
  const base = { kind: 'privilege-revoked', database, grantee, privileges: change.privileges } as const;
  if (on.kind === 'database' || on.kind === 'schema') return [{ ...base, on: { kind: on.kind, schema: undefined, name: on.name } }];
  if (on.kind !== 'table' && on.kind !== 'sequence') return [];
  const { kind } = on;
  if (on.all && on.kind === 'table') return [{ ...base, on: { kind: 'all-tables', schema: on.schema, name: on.schema } }];
  return on.names.length > MAX_NAMES ? [] : on.names.map((name) => ({ ...base, on: { kind, schema: on.schema, name } }));
}
