import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { inspectLineage } from '../../backup/lineage-inspect.ts';
import { holdsClone, isRestoredAsClone } from '../../backup/restore/clone-inspect.ts';
import { forEachDestination, type WalDestination } from '../../backup/wal/destination.ts';
import { salvageWal, type SalvageRequest, type SalvagedStretch } from '../../backup/wal/salvage-run.ts';
import { DbadminError } from '../../base/errors.ts';
import { IN_PART } from '../../base/exit-status.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import { isHistoryName, isSegmentName } from '../../postgres/segment.ts';
import { findServer } from '../../postgres/server-traces.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { openDestinations } from './destinations.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock, log, signal } = context;
  const named = path.resolve(context.cwd, input.args[0] ?? '');
  const { config, cluster } = await loadProject(context, input);
  const opened = await openDestinations(context, input, config, cluster);
  const of = { clusterName: cluster.name, systemIdentifier: textOption(input, 'systemIdentifier') };
  try {
    await refuseClone(context, named, opened.destinations, of);
    const directory = await segmentsIn(named);
    const request = { directory, ...of, clock, signal };
    const salvaged = await forEachDestination(opened.destinations, log, async (repository, name) => ({
      repository: name,
      stretches: await salvageWal(repository, request),
    }));
    for (const { repository, stretches } of salvaged) {
      if (stretches.length === 0) output.line(`${repository}: nothing to store: ${directory} has no WAL of ${cluster.name} that it lacks`);
      for (const each of stretches) output.line(`${repository}: ${describe(each)}`);
    }
    output.result({
      directory,
      repositories: salvaged.map(({ repository, stretches }) => ({ repository, stretches: stretches.map(json) })),
    });
    return salvaged.some(({ stretches }) => stretches.some(({ leftOut }) => leftOut > 0)) ? IN_PART : 0;
  } finally {
    await opened.close();
  }
}

/** A clone's timelines are nobody's: stored, they would be the newest of the cluster that it was restored from. */
async function refuseClone(
  { log }: CommandContext,
  directory: string,
  destinations: readonly WalDestination[],
  { clusterName, systemIdentifier }: Pick<SalvageRequest, 'clusterName' | 'systemIdentifier'>,
): Promise<void> {
  const dataDirectory = path.basename(directory) === 'pg_wal' ? path.dirname(directory) : directory;
  if (!(await isRestoredAsClone(dataDirectory))) return;
  const areClones = await forEachDestination(
    destinations,
    log,
    async (repository) => await holdsClone(dataDirectory, await inspectLineage(repository, clusterName, systemIdentifier)),
  );
  if (areClones.includes(false)) return;
  throw new DbadminError('refused', `${dataDirectory} is a restored clone`, {
    detail: 'Its WAL is of a timeline of its own, and in the repository every later restore of everything would go along that one.',
    hint: 'Name the data directory of the cluster itself. What was done in a clone comes out of it with pg_dump.',
  });
}

/** pg_wal of a data directory whose server does not run, or the directory itself where segments were moved to. */
async function segmentsIn(directory: string): Promise<string> {
  const trace = await findServer(directory);
  if (trace !== undefined) {
    const message =
      trace.kind === 'postmaster'
        ? `a server runs in ${directory} (process ${trace.pid})`
        : `processes of a server are still at work in ${directory}`;
    throw new DbadminError('refused', message, {
      ...(trace.kind === 'processes' ? { detail: `They are ${trace.pids.join(', ')}.` } : {}),
      hint: 'Its WAL comes with dbadmin wal receive or its archive_command.',
    });
  }
  const wal = path.join(directory, 'pg_wal');
  const isThere = async (each: string): Promise<boolean> => (await stat(each).catch(() => undefined))?.isDirectory() === true;
  if (await isThere(wal)) return wal;
  const hint = 'Name a data directory, or the directory that a restore moved its WAL to.';
  if (!(await isThere(directory))) throw new DbadminError('file-unreadable', `there is no directory ${directory}`, { hint });
  // One too high or too low, or with a pg_wal whose disk is not mounted: that nothing of it is lacking would be no answer.
  if (!(await readdir(directory)).some((name) => isSegmentName(name) || isHistoryName(name)))
    throw new DbadminError('file-unreadable', `there is no WAL in ${directory}`, {
      detail: 'It has neither a directory pg_wal nor a WAL file.',
      hint,
    });
  return directory;
}

function describe({ timeline, segments, fromLsn, untilLsn, leftOut }: SalvagedStretch): string {
  const stored = `WAL of timeline ${timeline} stored from ${formatLsn(fromLsn)} to ${formatLsn(untilLsn)}, ${segments} ${segments === 1 ? 'segment' : 'segments'}`;
  return leftOut === 0 ? stored : `${stored}; it cannot be read from there on, and ${leftOut} more were not stored`;
}

function json({ timeline, segments, fromLsn, untilLsn, leftOut }: SalvagedStretch): object {
  return { timeline, segments, fromLsn: formatLsn(fromLsn), untilLsn: formatLsn(untilLsn), leftOut };
}
