import { DbadminError } from '../base/errors.ts';
import type { CommandContext } from './command.ts';

/** What became of the work in one of several repositories. */
export type InRepository<Value> =
  | { readonly kind: 'done'; readonly name: string; readonly value: Value }
  | { readonly kind: 'failed'; readonly name: string; readonly error: DbadminError };

/**
 * Does `work` in one repository after the other. One that is away, or in which it fails, stops none of the others: `missed` says in a
 * warning what was not done there.
 *
 * @throws {DbadminError} the first failure when it failed in all of them; `interrupted` at once.
 */
export async function inEachRepository<Place extends { readonly name: string }, Value>(
  { output }: Pick<CommandContext, 'output'>,
  places: readonly Place[],
  missed: (name: string) => string,
  work: (place: Place) => Promise<Value>,
): Promise<readonly InRepository<Value>[]> {
  const outcomes: InRepository<Value>[] = [];
  for (const place of places) {
    const { name } = place;
    try {
      outcomes.push({ kind: 'done', name, value: await work(place) });
    } catch (error) {
      if (places.length === 1 || !(error instanceof DbadminError) || error.code === 'interrupted') throw error;
      output.warn(`${missed(name)}: ${error.message}${error.detail === undefined ? '' : `\n  detail: ${error.detail}`}`);
      outcomes.push({ kind: 'failed', name, error });
    }
  }
  const [first] = outcomes;
  if (first?.kind === 'failed' && !outcomes.some(({ kind }) => kind === 'done')) throw first.error;
  return outcomes;
}

/** One array for the result: what was done as it is, and what failed as the others show it. */
export function eachResult<Value>(outcomes: readonly InRepository<Value>[]): readonly (Value | object)[] {
  return outcomes.map((outcome) =>
    outcome.kind === 'done'
      ? outcome.value
      : { repository: outcome.name, error: { code: outcome.error.code, message: outcome.error.message } },
  );
}

/** Those in which it was done. */
export function doneIn<Value>(outcomes: readonly InRepository<Value>[]): readonly Value[] {
  return outcomes.flatMap((outcome) => (outcome.kind === 'done' ? [outcome.value] : []));
}
