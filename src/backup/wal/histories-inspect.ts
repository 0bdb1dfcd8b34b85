import { isDbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { ReplicationConnection } from '../../postgres/replication.ts';
import { parseTimelineHistory } from '../../postgres/timeline.ts';

export interface StreamedHistory {
  readonly timeline: number;
  readonly content: Uint8Array;
}

/** Among those of pg_stat_replication it is one that never streams, and is there for moments. */
const APPLICATION = 'dbadmin wal history';
const NO_SUCH_FILE = '58P01';

/**
 * The history of a timeline that is to be streamed and of each of its ancestors, as far as the server has them. One that was made from a copy
 * of a later timeline never got those of before. Recovery does without: it asks for none that is older than its backup.
 */
export async function inspectHistories(connection: ReplicationConnection, timeline: number, log: Log): Promise<readonly StreamedHistory[]> {
  if (timeline === 1) return [];
  // That of the server's own timeline is there, and tells of all before it.
  const newest = Math.max(timeline, (await connection.identifySystem()).timeline);
  const { content } = await connection.timelineHistory(newest);
  const ancestors = parseTimelineHistory(Buffer.from(content).toString('utf8')).map((each) => each.timeline);
  const asked = ancestors.filter((each) => each > 1 && each <= timeline);
  const own = newest === timeline ? [{ timeline, content }] : [];
  return asked.length === 0 ? own : [...own, ...(await askBeside(connection, asked, log))];
}

/** On a connection of its own: a history that is not there is an error, and that takes the temporary slots of its connection with it. */
async function askBeside(
  { parameters, address }: ReplicationConnection,
  timelines: readonly number[],
  log: Log,
): Promise<readonly StreamedHistory[]> {
  const here = { ...parameters, hosts: [address], targetSessionAttrs: 'any' as const };
  let beside: ReplicationConnection;
  try {
    beside = await ReplicationConnection.open(here, { applicationName: APPLICATION });
  } catch (error) {
    // WAL that is not received is the greater loss.
    log.warn(`cannot ask the server for the history of timelines ${timelines.join(', ')}: ${messageOf(error)}; it is asked again later`);
    return [];
  }
  try {
    const found: StreamedHistory[] = [];
    for (const timeline of timelines) {
      const content = await contentOf(beside, timeline, log);
      if (content !== undefined) found.push({ timeline, content });
    }
    return found;
  } finally {
    await beside.close();
  }
}

async function contentOf(connection: ReplicationConnection, timeline: number, log: Log): Promise<Uint8Array | undefined> {
  try {
    return (await connection.timelineHistory(timeline)).content;
  } catch (error) {
    if (!isDbadminError(error, 'query-failed') || systemCodeOf(error.cause) !== NO_SUCH_FILE) throw error;
    log.debug(`the server has no history of timeline ${timeline}: it was made from a copy of a later one`);
    return undefined;
  }
}
