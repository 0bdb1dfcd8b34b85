import path from 'node:path';
import { fetchFromAny, type FetchOptions } from '../../backup/wal/fetch-any.ts';
import { writeWhole, type FetchedWal } from '../../backup/wal/get-run.ts';
import { fillSpool, WalSpool } from '../../backup/wal/spool.ts';
import { isSegmentName } from '../../postgres/segment.ts';
import { blake3 } from '../../repository/hash.ts';
import { textOption, wholeNumberOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { openDestinations } from '../wal/destinations.ts';

const MOST_AHEAD_BYTES = 64 * 1024 * 1024;

/** Exit status contract of restore_command: 0, the absent code, or a failure, which `cli.ts` turns into 126. */
export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const [name = '', target = ''] = input.args;
  const absentCode = wholeNumberOption(input, 'absentCode', 1, 125) ?? 1;
  const ahead = wholeNumberOption(input, 'prefetch', 0, 64) ?? 4;
  const file = path.resolve(context.cwd, target);
  const spool = new WalSpool(path.join(path.dirname(file), spoolName(context, input)));
  const ready = isSegmentName(name) ? await spool.take(name) : undefined;
  if (ready !== undefined) {
    await writeWhole(file, ready);
    context.output.result({ file: name, result: 'fetched' });
    return 0;
  }
  const { config, cluster } = await loadProject(context, input);
  const opened = await openDestinations(context, input, config, cluster);
  try {
    const options = {
      places: opened.destinations,
      clusterName: cluster.name,
      systemIdentifier: textOption(input, 'systemIdentifier'),
      log: context.log,
    };
    const found = await fetchFromAny(name, options);
    if (found !== undefined) await writeWhole(file, found.bytes);
    if (found?.isWhole === true) await fetchAhead(spool, name, found, ahead, options);
    else if (isSegmentName(name)) await spool.clear();
    const result = found === undefined ? 'absent' : 'fetched';
    context.output.result({ file: name, result });
    if (result === 'absent') context.log.debug(`${name} is not in the archive: its end`);
    return result === 'fetched' ? 0 : absentCode;
  } finally {
    await opened.close();
  }
}

/** Another cluster or repository has a spool of its own: segments of all clusters have the same names. */
function spoolName(context: CommandContext, input: CommandInput): string {
  const { config, cluster, url, repository, systemIdentifier } = input.options;
  const of = JSON.stringify([context.cwd, config, cluster, url, repository, systemIdentifier].map((each) => each ?? null));
  return `.dbadmin-wal-ahead-${blake3(Buffer.from(of)).toString('hex').slice(0, 16)}`;
}

async function fetchAhead(spool: WalSpool, segment: string, found: FetchedWal, ahead: number, options: FetchOptions): Promise<void> {
  const segmentBytes = found.bytes.byteLength;
  const count = Math.min(ahead, Math.floor(MOST_AHEAD_BYTES / segmentBytes));
  await fillSpool(spool, { segment, segmentBytes, count }, async (name) => {
    const next = await fetchFromAny(name, options);
    return next?.isWhole === true ? next.bytes : undefined;
  });
}
