import { DbadminError, systemCodeOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { GrantKeeper } from '../grants/apply.ts';
import type { Routine } from '../routines/routines.ts';
import type { Queryable } from '../session/session.ts';
import { findDependents, findTarget } from './inspect.ts';
import type { Dependent, DroppedDependent, ReplaceTarget } from './plan.ts';

export interface ReplaceContext {
  readonly session: Queryable;
  readonly log: Log;
  readonly grants: GrantKeeper;
  /** All routines of the project by what they make, changed or not. */
  readonly makers: () => ReadonlyMap<string, readonly Routine[]>;
  /** What was dropped for another in this transaction and has to be there at its end, by identity. */
  readonly dropped: Map<string, DroppedDependent>;
}

export interface Replacement {
  /** The routine's file, as messages name it. */
  readonly file: string;
  readonly target: ReplaceTarget;
  /** What to say of the target when something stands in the way. */
  readonly what: string;
  /** Why it has to go: the server's refusal, or undefined. */
  readonly reason: unknown;
}

/**
 * Whether dropping first may help: a function's result or parameters (42P13), a view's columns (42P16), the kind of an object
 * (42809), or something that needs what is dropped (2BP01).
 */
export function asksForDrop(error: unknown): boolean {
  const code = systemCodeOf(error instanceof DbadminError ? error.cause : error);
  return code !== undefined && ['42P13', '42P16', '42809', '2BP01'].includes(code);
}

/**
 * What was dropped and no file made again, each with the way out.
 *
 * @throws {DbadminError} `migration-failed`, always.
 */
export function refuseLoss(missing: readonly DroppedDependent[]): never {
  const nameOf = ({ dependent: { type, identity } }: DroppedDependent): string => `${type} ${identity}`;
  const [first] = missing;
  const others = missing.length > 1 ? `, nor ${missing.length - 1} more` : '';
  throw new DbadminError(
    'migration-failed',
    `${first?.file ?? 'routines'}: ${first === undefined ? 'something' : nameOf(first)} had to be dropped and was not made again${others}`,
    {
      detail: missing
        .map(
          (each) => `${each.file} drops ${nameOf(each)}, and ${each.makers.map(({ file }) => file.path).join(', ')} did not make it again`,
        )
        .join('\n'),
      hint: `Let a file in sql/routines make it, and after what it needs. When it is to go, let a versioned migration drop it: ${missing
        .map(({ dependent }) => `${dependent.dropSql ?? ''};`)
        .join(' ')}`,
    },
  );
}

/**
 * Drops what cannot be replaced in place, and before it everything that needs it. Gives the routines whose files make the
 * dropped dependents, which have to run again; undefined when there was nothing to drop.
 *
 * @throws {DbadminError} `migration-failed` when something needs it that no routine's file makes; nothing is dropped then.
 */
export async function dropToReplace(
  { file, target, what, reason }: Replacement,
  { session, log, grants, makers, dropped }: ReplaceContext,
): Promise<readonly Routine[] | undefined> {
  const found = await findTarget(session, target);
  if (found?.dropSql === undefined) return undefined;
  const dependents = await findDependents(session, found);
  const known = makers();
  const strangers = dependents.filter(({ key, dropSql }) => dropSql === undefined || key === undefined || !known.has(key));
  if (strangers.length > 0) throw refusal(`${file}: ${found.identity} ${what}`, found.identity, strangers, reason);
  grants.forget();
  await grants.look(session, undefined);
  for (const dependent of dependents) {
    if (dependent.dropSql !== undefined) await session.query(dependent.dropSql);
    dropped.set(dependent.identity, { dependent, file, makers: known.get(dependent.key ?? '') ?? [] });
  }
  await session.query(found.dropSql);
  await grants.noteGone(session);
  const along = dependents.map(({ type, identity }) => `${type} ${identity}`);
  log.info(`${file}: ${found.identity} is made anew${along.length === 0 ? '' : `, and with it ${along.join(', ')}`}`);
  return [...new Set(dependents.flatMap(({ key }) => known.get(key ?? '') ?? []))];
}

function refusal(message: string, identity: string, strangers: readonly Dependent[], reason: unknown): DbadminError {
  const server = reason instanceof DbadminError ? reason.message : '';
  return new DbadminError('migration-failed', message, {
    detail: [...(server === '' ? [] : [server]), ...strangers.map(({ type, identity: name }) => `${type} ${name} needs ${identity}`)].join(
      '\n',
    ),
    hint: `Move these into sql/routines, where they are dropped and made again by themselves, or change them in a versioned migration that ends with: DROP ${
      identity.includes('(') ? 'ROUTINE' : 'VIEW'
    } ${identity};`,
    cause: reason,
  });
}
