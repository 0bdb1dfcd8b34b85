import type { Log } from '../../base/log.ts';
import { messageOf } from '../../base/errors.ts';
import type { WalDestination } from './destination.ts';
import { fetchWal, type FetchedWal } from './get-run.ts';

export interface FetchOptions {
  /** In order of preference. */
  readonly places: readonly Pick<WalDestination, 'name' | 'open'>[];
  readonly clusterName: string;
  readonly systemIdentifier: string | undefined;
  readonly log: Log;
}

/**
 * A WAL file from the first repository that has it. Undefined only when every one of them proves it absent: one that cannot
 * be asked may be the one that has it.
 *
 * @throws what the first repository said that could neither give it nor prove it absent.
 */
export async function fetchFromAny(name: string, options: FetchOptions): Promise<FetchedWal | undefined> {
  const { clusterName, systemIdentifier, log } = options;
  let failure: unknown;
  for (const place of options.places) {
    try {
      const found = await fetchWal({ repository: await place.open(), clusterName, systemIdentifier }, name);
      if (found !== undefined) return found;
    } catch (error) {
      failure ??= error;
      log.debug(`${name} from repository ${place.name}: ${messageOf(error)}`);
    }
  }
  if (failure !== undefined) throw failure as Error;
  return undefined;
}
