import { setTimeout as pause } from 'node:timers/promises';
import type { Sql } from 'postgres';
import { DbadminError, isDbadminError, messageOf } from '../base/errors.ts';
import { openClient } from '../postgres/client.ts';
import { applyPassword, type PasswordChange, type RandomBytes } from './apply-passwords.ts';
import { runTransaction, type TransactionOptions } from './apply-transaction.ts';
import { describeChange } from './describe.ts';
import type { RolesDocument } from './document/document.ts';
import { APPLICATION_NAME, inspectRoles } from './inspect.ts';
import type { PasswordSources } from './inspect-passwords.ts';
import { planRoles, type RolesPlan } from './plan.ts';
import { planTransactions, type Transaction } from './transactions.ts';

export interface ApplyOptions extends TransactionOptions {
  readonly sources: PasswordSources;
  readonly randomBytes: RandomBytes;
  /** How long to wait for another apply on this cluster. */
  readonly waitMs: number;
}

/** Any two numbers that nobody else takes; advisory locks are per database, so it is always the maintenance database's. */
const LOCK_KEYS = [0x64626164, 0x726f6c65] as const;
const LOCK_POLL_MS = 200;

/**
 * Makes the cluster as the file says and looks again.
 *
 * `agreed` is the plan somebody saw: when the cluster has changed since, nothing is done. Returns how many transactions ran.
 *
 * @throws {DbadminError} `locked`, `plan-stale`, what the server refused (nothing was changed), `partly-done` when an earlier
 *   transaction stays, `not-converged` when a difference is left afterwards.
 */
export async function applyRoles(document: RolesDocument, agreed: RolesPlan, options: ApplyOptions): Promise<number> {
  const lock = await openClient({ ...options.connection, database: document.maintenanceDatabase }, { applicationName: APPLICATION_NAME });
  try {
    await takeLock(lock, options);
    const observed = await inspectRoles(document, options.connection, options.sources);
    const plan = planRoles(document, observed, options.clock.now());
    refuseStale(agreed, plan);
    if (plan.changes.length === 0) return 0;
    const passwords = plan.changes.filter((change): change is PasswordChange => change.kind === 'password');
    const others = plan.changes.filter((change) => change.kind !== 'password');
    const transactions = planTransactions(others, document.maintenanceDatabase, observed.cluster.major);
    warnWhenSplit(transactions, options);
    const steps = [
      ...transactions.map((transaction) => ({
        name: describeTransaction(transaction),
        run: async () => await runTransaction(transaction, options),
      })),
      ...passwords.map((change) => ({
        name: `password of ${change.role}`,
        run: async () => await applyPassword(change, document, options.sources, options.randomBytes, options),
      })),
    ];
    await runSteps(steps, options);
    await verify(document, options);
    return steps.length;
  } finally {
    await lock.end({ timeout: 5 });
  }
}

async function takeLock(sql: Sql, options: ApplyOptions): Promise<void> {
  const deadlineMs = options.clock.now().getTime() + options.waitMs;
  for (;;) {
    options.signal.throwIfAborted();
    const [row] = await sql<{ taken: boolean }[]>`select pg_try_advisory_lock(${LOCK_KEYS[0]}, ${LOCK_KEYS[1]}) as taken`;
    if (row?.taken === true) return;
    if (options.clock.now().getTime() >= deadlineMs) {
      throw new DbadminError('locked', 'another dbadmin is applying roles to this cluster', {
        detail: `It still held its lock after ${Math.round(options.waitMs / 1000)} s.`,
        hint: "Wait for it, or find it: SELECT * FROM pg_stat_activity WHERE application_name = 'dbadmin roles'.",
      });
    }
    await pause(LOCK_POLL_MS);
  }
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
  readonly run: () => Promise<void>;
}

/** In turn; a failure after the first step is told together with what stays done. */
async function runSteps(steps: readonly Step[], options: ApplyOptions): Promise<void> {
  const done: string[] = [];
  for (const step of steps) {
    try {
      options.signal.throwIfAborted();
      await step.run();
    } catch (error) {
      if (done.length === 0) throw error;
      const detail = isDbadminError(error) && error.detail !== undefined ? `\n${error.detail}` : '';
      throw new DbadminError('partly-done', `stopped at ${step.name}, after ${done.length} of ${steps.length} steps`, {
        detail: `Done: ${done.join('; ')}.\nThen: ${messageOf(error)}${detail}`,
        hint: 'Remove the cause and run the same command again: it goes on from where it is.',
        cause: error,
      });
    }
    done.push(step.name);
    options.log.debug(`done: ${step.name}`);
  }
}

async function verify(document: RolesDocument, options: ApplyOptions): Promise<void> {
  const left = planRoles(document, await inspectRoles(document, options.connection, options.sources), options.clock.now());
  if (left.changes.length === 0) return;
  const lines = left.changes.map((change) => {
    const { subject, sign, text, remark } = describeChange(change);
    return `${subject} ${sign} ${text}${remark === '' ? '' : ` (${remark})`}`;
  });
  throw new DbadminError('not-converged', `roles did not converge: ${lines.length} difference${lines.length === 1 ? '' : 's'} left`, {
    detail: lines.join('\n'),
    hint: 'The changes were made and something is still not as the file says: another session may be changing roles.',
  });
}
