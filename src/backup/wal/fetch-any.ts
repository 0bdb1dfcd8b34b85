import type { Log } from '../../base/log.ts';
import { messageOf } from '../../base/errors.ts';
import { walFileOf } from '../../postgres/segment.ts';
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
 * be asked may be the one that has it. So it is with a segment of which one has only the beginning: it may be whole in another.
 *
 * @throws what the first repository said that could neither give it nor prove it absent.
 */
export async function fetchFromAny(name: string, options: FetchOptions): Promise<FetchedWal | undefined> {
  const { clusterName, systemIdentifier, log } = options;
  const isSegment = walFileOf(name)?.kind === 'segment';
  let failure: unknown;
  let beginning: FetchedWal | undefined;
  for (const place of options.places) {
    try {
      const found = await fetchWal({ repository: await place.open(), clusterName, systemIdentifier }, name);
      if (found === undefined) continue;
      if (found.isWhole || !isSegment) return found;
      if (beginning === undefined || beginning.storedBytes < found.storedBytes) beginning = found;
    } catch (error) {
      failure ??= error;
      log.debug(`${name} from repository ${place.name}: ${messageOf(error)}`);
    }
  }
  if (failure !== undefined) throw failure as Error;
  return beginning;
}
