import { DbadminError, isDbadminError, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Repository } from '../../repository/repository.ts';

/** A repository that WAL goes to. */
export interface WalDestination {
  /** As the configuration calls it. */
  readonly name: string;
  /** Whether WAL is safe only when it is there. The others are refilled later when they fail. */
  readonly required: boolean;
  /** The repository, opened when it is wanted; one that is away fails alone. */
  readonly open: () => Promise<Repository>;
  /** The same for whoever comes back to it after a failure: opened anew where another repository lies there by now, which has keys of its own. */
  readonly reopen?: () => Promise<Repository>;
}

/**
 * Does the same for every destination at once; each to its end, whatever happens to the others.
 *
 * @throws {DbadminError} the first failure of a required one, or, where it was done nowhere, of any. What fails elsewhere is a warning.
 */
export async function forEachDestination<T>(
  destinations: readonly WalDestination[],
  log: Log,
  work: (repository: Repository, name: string) => Promise<T>,
): Promise<readonly T[]> {
  const results = await Promise.allSettled(destinations.map(async ({ name, open }) => await work(await open(), name)));
  const done: T[] = [];
  const failures: { readonly name: string; readonly required: boolean; readonly error: unknown }[] = [];
  for (const [index, result] of results.entries()) {
    const { name = '', required = true } = destinations[index] ?? {};
    if (result.status === 'fulfilled') done.push(result.value);
    else failures.push({ name, required, error: result.reason });
  }
  // Whatever is required: what came nowhere is not done.
  const grave = done.length === 0 && failures.every(({ required }) => !required) ? failures : failures.filter(({ required }) => required);
  for (const { name, error } of failures.filter((each) => !grave.includes(each)))
    log.warn(`repository ${name} was left behind: ${messageOf(error)}`);
  const [first] = grave;
  if (first === undefined) return done;
  throw inRepository(first.name, first.error, grave.length === 1 ? undefined : grave.map(({ name }) => name));
}

function inRepository(name: string, error: unknown, all: readonly string[] | undefined): Error {
  if (!isDbadminError(error)) return error instanceof Error ? error : new Error(String(error));
  const others = all === undefined ? `In repository ${name}.` : `In repository ${name}; ${all.join(', ')} failed.`;
  return new DbadminError(error.code, error.message, {
    detail: error.detail === undefined ? others : `${error.detail}\n${others}`,
    hint: error.hint,
    cause: error,
  });
}

/** A repository at hand. */
export function openDestination(repository: Repository, name = 'local', required = true): WalDestination {
  return { name, required, open: async () => await Promise.resolve(repository) };
}
