import type { Sql } from 'postgres';
import { DbadminError, isDbadminError, messageOf } from '../base/errors.ts';
import { openClient } from '../postgres/client.ts';
import { checkLock, takeLock } from './apply-lock.ts';
import { readScramIterations, refuseLoud } from './apply-password-statement.ts';
import { applyPassword, type PasswordChange, type RandomBytes } from './apply-passwords.ts';
import { reassignInParts } from './apply-reassign.ts';
import { beginRecord, type ApplyAuthor } from './apply-record.ts';
import { refuseReadOnly } from './apply-writable.ts';
import { CommitInDoubt, runTransaction, type TransactionOptions } from './apply-transaction.ts';
import type { Change } from './change.ts';
import { describeChange } from './describe.ts';
import type { RolesDocument } from './document/document.ts';
import { APPLICATION_NAME, inspectRoles } from './inspect.ts';
import type { PasswordSources } from './inspect-passwords.ts';
import { isReassignedInParts, phaseOf } from './lifecycle-change.ts';
import { planRoles, type RolesPlan } from './plan.ts';
import { refuseLacks, refuseSessions } from './refuse-apply.ts';
import { asSaved, refuseStaleSavedPlan, type RolesFile, type SavedPlan } from './saved-plan.ts';
import type { ObservedState } from './state.ts';
import { planTransactions, type Transaction } from './transactions.ts';
import { hasEdgeOptions } from './wanted-cluster.ts';

export interface ApplyOptions extends TransactionOptions {
  readonly sources: PasswordSources;
  readonly randomBytes: RandomBytes;
  /** How long to wait for another apply on this cluster. */
  readonly waitMs: number;
  /** The saved plan that is applied, with the file it was made of. */
  readonly saved?: { readonly plan: SavedPlan; readonly file: RolesFile };
  /** Who applies, for the record in the cluster; without it none is kept. */
  readonly author?: ApplyAuthor;
  /** Goes on where rights seem to be missing: a managed service can give more than the catalog says. */
  readonly triesWithoutRights?: boolean;
  /**
   * Told of the changes of each transaction once it is committed, also when a later one fails. Where the connection was lost on the
   * commit itself it is told too: in doubt a change counts as made.
   */
  readonly onMade?: (changes: readonly Change[]) => void;
}

/**
 * Makes the cluster as the file says and looks again.
 *
 * `agreed` is the plan somebody saw: when the cluster has changed since, nothing is done. Returns how many transactions ran.
 *
 * @throws {DbadminError} `locked`, `plan-stale`, `privilege-missing` with all that is missing, `refused` for a role to retire
 *   that has sessions, what the server refused (nothing was changed), `partly-done` when an earlier transaction stays,
 *   `not-converged` when a difference is left afterwards.
 */
export async function applyRoles(document: RolesDocument, agreed: RolesPlan, options: ApplyOptions): Promise<number> {
  const lock = await openClient({ ...options.connection, database: document.maintenanceDatabase }, { applicationName: APPLICATION_NAME });
  try {
    await refuseReadOnly(lock);
    await takeLock(lock, options);
    const { observed, plan } = await lookAndPlan(document, options);
    refuseStale(agreed, plan);
    if (options.saved !== undefined) refuseStaleSavedPlan(options.saved.plan, { document, file: options.saved.file, observed, plan });
    if (plan.changes.length === 0) return 0;
    if (options.triesWithoutRights !== true) refuseLacks(plan, observed.cluster.currentRole);
    refuseSessions(plan, observed);
    const { major, isSuperuser } = observed.cluster;
    const iterations = await readScramIterations(lock);
    const steps = planSteps(document, observed, plan, { ...options, iterations, selfGrant: !isSuperuser && hasEdgeOptions(major) });
    await refuseLoud(verifierRoles(plan), document.maintenanceDatabase, options);
    await recorded(lock, plan, options, steps.length, async () => {
      await runSteps(steps, lock, options);
      await verify(document, options);
    });
    return steps.length;
  } finally {
    await lock.end({ timeout: 1 });
  }
}

async function lookAndPlan(
  document: RolesDocument,
  options: ApplyOptions,
): Promise<{ readonly observed: ObservedState; readonly plan: RolesPlan }> {
  const found = await inspectRoles(document, options.connection, options.sources);
  const observed = options.saved === undefined ? found : asSaved(found, options.saved.plan);
  return { observed, plan: planRoles(document, observed, options.clock.now()) };
}

/** Whose verifiers the plan sends. */
function verifierRoles({ changes }: RolesPlan): readonly string[] {
  return changes.flatMap((change) => (change.kind === 'password' && change.action !== 'remove' ? [change.role] : []));
}

function planSteps(
  document: RolesDocument,
  { cluster }: ObservedState,
  plan: RolesPlan,
  options: ApplyOptions & { readonly iterations: number },
): readonly Step[] {
  const passwords = plan.changes.filter((change): change is PasswordChange => change.kind === 'password');
  const others = plan.changes.filter((change) => change.kind !== 'password');
  const transactions = planTransactions(others, document.maintenanceDatabase, cluster.major);
  const isLast = ({ changes }: Transaction): boolean => changes.some((change) => phaseOf(change) > 0);
  warnWhenSplit(
    transactions.filter((each) => !isLast(each)),
    options,
  );
  const asSteps = (listed: readonly Transaction[]): readonly Step[] =>
    listed.map((transaction) => ({
      name: describeTransaction(transaction),
      changes: transaction.changes,
      run: async () => await runTransaction(transaction, options),
    }));
  return [
    ...asSteps(transactions.filter((each) => !isLast(each))),
    ...passwords.map((change) => ({
      name: `password of ${change.role}`,
      changes: [change],
      run: async () => await applyPassword(change, document, options.sources, options, options),
      // Who may not read verifiers will not see that this one is missing.
      ...(cluster.canReadPasswords || change.action === 'remove' ? {} : { unseenPassword: change.role }),
    })),
    ...transactions.filter(isLast).flatMap((transaction) => [...reassignSteps(transaction, options), ...asSteps([transaction])]),
  ];
}

/** Before a transaction that ends what a role owns: most of it is given away, where that is more than one may lock. */
function reassignSteps({ changes }: Transaction, options: ApplyOptions): readonly Step[] {
  return changes.flatMap((change): readonly Step[] =>
    change.kind === 'retire-owned' && isReassignedInParts(change)
      ? [
          {
            name: `relations of ${change.role} in ${change.database} to ${change.reassignTo ?? ''}`,
            changes: [],
            run: async () => await reassignInParts(change, options),
          },
        ]
      : [],
  );
}

/** Runs `work` between two rows of the record, where there is to be one. */
async function recorded(lock: Sql, plan: RolesPlan, options: ApplyOptions, steps: number, work: () => Promise<void>): Promise<void> {
  const { author, clock, log } = options;
  const record = author === undefined ? undefined : await beginRecord(lock, plan.changes, author, log);
  const startedMs = clock.now().getTime();
  const end = async (failure: string | undefined): Promise<void> =>
    await record?.end({ tookMs: clock.now().getTime() - startedMs, steps, failure });
  try {
    await work();
  } catch (error) {
    await end(messageOf(error));
    throw error;
  }
  await end(undefined);
}

function refuseStale(agreed: RolesPlan, now: RolesPlan): void {
  if (JSON.stringify(agreed.changes) === JSON.stringify(now.changes)) return;
  throw new DbadminError('plan-stale', 'the cluster has changed since the plan was made', {
    detail: `The plan had ${agreed.changes.length} changes; there would be ${now.changes.length} now, or others. Nothing was changed.`,
    hint: 'Look at the new plan: dbadmin roles plan.',
  });
}

function warnWhenSplit(transactions: readonly Transaction[], options: ApplyOptions): void {
  const databases = new Set(transactions.map((transaction) => transaction.database));
  if (transactions.length > databases.size) {
    options.log.warn(`more than 1,000 objects are named: ${transactions.length} transactions, each of them all or nothing`);
  }
}

function describeTransaction(transaction: Transaction): string {
  return `${transaction.changes.length} change${transaction.changes.length === 1 ? '' : 's'} from database ${transaction.database}`;
}

interface Step {
  readonly name: string;
  /** What of the plan it makes. */
  readonly changes: readonly Change[];
  readonly run: () => Promise<void>;
  /** Whose password it sets, where a later plan cannot tell whether that was done. */
  readonly unseenPassword?: string;
}

/** In turn; a failure after the first step is told together with what stays done. */
async function runSteps(steps: readonly Step[], lock: Sql, options: ApplyOptions): Promise<void> {
  const done: string[] = [];
  for (const [index, step] of steps.entries()) {
    try {
      options.signal.throwIfAborted();
      await checkLock(lock);
      await step.run();
    } catch (error) {
      if (error instanceof CommitInDoubt) options.onMade?.(step.changes);
      if (done.length === 0) throw error;
      const detail = isDbadminError(error) && error.detail !== undefined ? `\n${error.detail}` : '';
      throw new DbadminError('partly-done', `stopped at ${step.name}, after ${done.length} of ${steps.length} steps`, {
        detail: `Done: ${done.join('; ')}.\nThen: ${messageOf(error)}${detail}`,
        hint: ['Remove the cause and run the same command again: it goes on from where it is.', ...unseenHint(steps.slice(index))].join(
          '\n',
        ),
        cause: error,
      });
    }
    done.push(step.name);
    options.onMade?.(step.changes);
    options.log.debug(`done: ${step.name}`);
  }
}

function unseenHint(left: readonly Step[]): readonly string[] {
  const roles = left.flatMap(({ unseenPassword }) => unseenPassword ?? []);
  return roles.length === 0
    ? []
    : [
        `A later plan cannot see that no password was set for ${roles.join(', ')}, because this role may not read pg_authid: set ${roles.length === 1 ? 'it' : 'them'} with dbadmin roles rotate.`,
      ];
}

async function verify(document: RolesDocument, options: ApplyOptions): Promise<void> {
  const { plan } = await lookAndPlan(document, options);
  if (plan.changes.length === 0) return;
  const lines = plan.changes.map((change) => {
    const { subject, sign, text, remark } = describeChange(change);
    return `${subject} ${sign} ${text}${remark === '' ? '' : ` (${remark})`}`;
  });
  throw new DbadminError('not-converged', `roles did not converge: ${lines.length} difference${lines.length === 1 ? '' : 's'} left`, {
    detail: lines.join('\n'),
    hint: 'The changes were made and something is still not as the file says: another session may be changing roles.',
  });
}
