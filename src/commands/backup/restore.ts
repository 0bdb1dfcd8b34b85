import path from 'node:path';
import { formatBytes } from '../../base/bytes.ts';
import { formatDuration } from '../../base/durations.ts';
import { DbadminError } from '../../base/errors.ts';
import { applyRestore } from '../../backup/restore/apply.ts';
import { describeWal, inspectRestore, type Preflight } from '../../backup/restore/inspect.ts';
import type { CommitMark } from '../../backup/restore/resolve.ts';
import { checkReachable } from '../../backup/restore/lay-down-apply.ts';
import { freeClonePort, startRestored } from '../../backup/restore/start-run.ts';
import { formatMoment, parseTarget, type RestoreTarget } from '../../backup/restore/target.ts';
import { findServerPrograms } from '../../postgres/programs.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import { unprivilegedUser, type ServerPrograms } from '../../postgres/server.ts';
import { flagOption, listOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { openRepository, selectRepository } from '../open-repository.ts';
import { confirmOrStop } from '../output.ts';

const START_TIMEOUT_SECONDS = 24 * 3600;
const ACTIONS = ['promote', 'pause', 'shutdown'] as const;

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock } = context;
  const target = parseTarget(targetOptions(input), clock.now());
  const dataDirectory = targetDirectory(context, input);
  const action = ACTIONS.find((each) => each === (textOption(input, 'action') ?? 'promote')) ?? 'promote';
  const { config, cluster } = await loadProject(context, input);
  const repository = selectRepository(config, cluster, textOption(input, 'repository'));
  const opened = await openRepository(context, repository);
  try {
    const startedAt = clock.now().getTime();
    const preflight = await inspectRestore({
      repository: opened,
      clusterName: cluster.name,
      systemIdentifier: textOption(input, 'systemIdentifier'),
      target,
      exclusive: flagOption(input, 'exclusive'),
      backup: textOption(input, 'backup'),
      timeline: numberOption(input, 'timeline'),
      dataDirectory,
      tablespaces: tablespaceMap(input),
    });
    const programs = await programsFor(context, preflight, flagOption(input, 'start'));
    const owner = programs?.runAs ?? (await unprivilegedUser());
    await checkReachable(dataDirectory, owner);
    const port = numberOption(input, 'port') ?? (await freeClonePort());
    print(context, target, preflight, repository.name, port);
    if (flagOption(input, 'dryRun')) {
      output.result({ preflight: describe(target, preflight), restored: null });
      return 0;
    }
    await confirmOrStop(output, 'Restore?');
    const progress = output.progress('restoring');
    const restored = await applyRestore({
      preflight,
      port,
      clusterName: `${cluster.name}-restored`,
      action,
      programs,
      owner,
      signal: context.signal,
      onProgress: (phase, done, total) => (phase === 'files' ? progress.update(done, total) : undefined),
    }).finally(() => progress.end());
    for (const file of restored.madeFiles)
      context.log.warn(`${file} is not in the backup (it lies outside the data directory there): a plain one was written`);
    for (const { setting, library, reason } of restored.leftLibraries)
      context.log.warn(`${setting}: ${library} was left out: it ${reason}`);
    output.line(
      `restored   ${dataDirectory}   ${formatBytes(preflight.layout.totalBytes)}   ${formatDuration(clock.now().getTime() - startedAt)}`,
    );
    const started =
      programs !== undefined && flagOption(input, 'start')
        ? await startRestored({ restored, programs, action, timeoutSeconds: START_TIMEOUT_SECONDS, clock, signal: context.signal })
        : undefined;
    const tookMs = clock.now().getTime() - startedAt;
    if (started === undefined)
      output.line(`next       start it: pg_ctl -D ${dataDirectory} start   (WAL for its recovery is in ${restored.spoolDirectory})`);
    else if (started.state === 'shut-down') output.line(`recovered  to the target and shut down   ${formatDuration(tookMs)}`);
    else
      output.line(
        `${started.state === 'open' ? 'open       ' : 'paused     '}postgresql://127.0.0.1:${port}   timeline ${started.timeline}   ${formatDuration(tookMs)} in all`,
      );
    output.result({
      preflight: describe(target, preflight),
      restored: {
        dataDirectory,
        port,
        state: started?.state ?? 'not-started',
        timeline: started?.timeline ?? preflight.lineage.timeline,
        tookMs,
      },
    });
    return 0;
  } finally {
    await opened.store.close();
  }
}

function targetOptions(input: CommandInput): Parameters<typeof parseTarget>[0] {
  return {
    to: textOption(input, 'to'),
    toLsn: textOption(input, 'toLsn'),
    toXid: textOption(input, 'toXid'),
    toName: textOption(input, 'toName'),
    toLatest: flagOption(input, 'toLatest'),
    immediate: flagOption(input, 'immediate'),
  };
}

function targetDirectory(context: CommandContext, input: CommandInput): string {
  const into = textOption(input, 'into');
  if (into === undefined)
    throw new DbadminError('usage', 'restore needs a directory', { hint: 'Give --into DIR: empty, or not there yet.' });
  return path.resolve(context.cwd, into);
}

function numberOption(input: CommandInput, name: string): number | undefined {
  const text = textOption(input, name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new DbadminError('usage', `--${name} takes a positive whole number, not "${text}"`);
}

function tablespaceMap(input: CommandInput): ReadonlyMap<string, string> {
  return new Map(
    listOption(input, 'tablespaceMap').map((each) => {
      const [from, to, ...rest] = each.split('=');
      if (from?.startsWith('/') === true && to?.startsWith('/') === true && rest.length === 0) return [from, to] as const;
      throw new DbadminError('usage', `--tablespace-map takes /old=/new, not "${each}"`);
    }),
  );
}

/** The server programs of the backup's major; without them a restore can be laid down, but not started. */
async function programsFor(context: CommandContext, preflight: Preflight, isNeeded: boolean): Promise<ServerPrograms | undefined> {
  const major = Math.floor(preflight.resolution.backup.serverVersion / 10_000);
  const programs = await findServerPrograms(major, context.env);
  if (programs !== undefined || !isNeeded) return programs;
  throw new DbadminError('program-missing', `PostgreSQL ${major}'s server programs are not on this machine`, {
    hint: `Install postgresql-${major}, or name their directory in DBADMIN_PG_BIN_${major}; without --start the cluster is laid down only.`,
  });
}

function print(context: CommandContext, target: RestoreTarget, preflight: Preflight, repository: string, port: number): void {
  const { output } = context;
  const { resolution, layout, lineage } = preflight;
  const end =
    resolution.end.kind === 'lsn'
      ? ` = LSN ${formatLsn(resolution.end.lsn)}`
      : resolution.end.kind === 'immediate'
        ? ' = the end of the backup'
        : '';
  output.line(`target     ${describeTarget(target)}${end} on timeline ${lineage.timeline}`);
  if (resolution.before !== undefined || resolution.after !== undefined) {
    output.line(`commits    last before  ${describeCommit(resolution.before)}    first after  ${describeCommit(resolution.after)}`);
    if (target.kind === 'time') output.line('           everything acknowledged up to the moment comes back, and nothing begun after it');
  }
  output.line(`backup     ${resolution.backup.label}, ${formatBytes(layout.totalBytes)}, from ${repository}   unproven`);
  output.line(`wal        ${describeWal(preflight)}, all there (it reaches to ${formatLsn(resolution.availableUntil)})`);
  for (const { original, directory } of layout.tablespaces) output.line(`tablespace ${original} → ${directory}`);
  output.line(
    `needs      ${formatBytes(layout.totalBytes + preflight.walBytes)} in ${layout.dataDirectory}; the clone listens on 127.0.0.1:${port}, archives nothing`,
  );
}

function describeTarget(target: RestoreTarget): string {
  switch (target.kind) {
    case 'time':
      return formatMoment(target.at);
    case 'lsn':
      return `position ${formatLsn(target.lsn)}`;
    case 'xid':
      return `transaction ${target.xid}`;
    case 'name':
      return `restore point ${target.name}`;
    case 'immediate':
      return 'as soon as it is consistent';
    case 'latest':
      return 'everything in the repository';
  }
}

function describeCommit(mark: CommitMark | undefined): string {
  return mark === undefined ? 'none' : `${formatMoment(mark.time)} xid ${mark.xid}`;
}

function describe(target: RestoreTarget, { resolution, layout, walBytes }: Preflight): object {
  const mark = (commit: CommitMark | undefined): object | null =>
    commit === undefined ? null : { xid: commit.xid, lsn: formatLsn(commit.lsn), time: commit.time.toISOString() };
  return {
    target: describeTarget(target),
    backup: resolution.backup.label,
    end:
      resolution.end.kind === 'lsn'
        ? { kind: 'lsn', lsn: formatLsn(resolution.end.lsn), inclusive: resolution.end.inclusive }
        : { kind: resolution.end.kind },
    neededUntil: formatLsn(resolution.neededUntil),
    availableUntil: formatLsn(resolution.availableUntil),
    before: mark(resolution.before),
    after: mark(resolution.after),
    totalBytes: layout.totalBytes,
    walBytes,
  };
}
