import { formatBytes } from '../../base/bytes.ts';
import { formatDuration } from '../../base/durations.ts';
import { shellWord } from '../../base/shell-word.ts';
import { describeEntry } from '../../backup/reconcile/describe.ts';
import { describeWal, type Preflight } from '../../backup/restore/inspect.ts';
import type { ReplayedTablespace } from '../../backup/restore/replayed-tablespaces-inspect.ts';
import type { CommitMark } from '../../backup/restore/resolve.ts';
import type { LeftCommits } from '../../backup/restore/left-commits-inspect.ts';
import { describeBrokenAside } from '../../backup/broken.ts';
import { describeSuspicion } from '../../backup/suspicion.ts';
import { unsummedPagesOf } from '../../backup/unsummed-pages.ts';
import { formatMoment, formatMomentUs, isoMoment, targetUs, type RestoreTarget } from '../../backup/restore/target.ts';
import { describeUnstored } from '../../backup/restore/unstored-wal.ts';
import { describeLeft } from '../../backup/restore/unreachable.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import type { ServerPrograms, SystemUser } from '../../postgres/server.ts';
import type { LedgerEntry } from '../../repository/ledger.ts';
import { describeEstimate, type RecoveryEstimate } from '../../status/estimate.ts';
import type { DamagedObject } from '../../repository/passed-over.ts';
import { damagedJson } from '../backup/recovery-json.ts';
import { suspicionJson } from '../backup/show-proofs.ts';
import type { Output } from '../output.ts';
import type { UnreadLedger } from './other-ledgers.ts';
import type { RestoreOptions } from './restore-options.ts';

/** What a restore would do, as it is shown before anybody is asked. */
export interface ShownRestore {
  readonly options: RestoreOptions;
  readonly preflight: Preflight;
  /** The cluster's name in this project. */
  readonly clusterName: string;
  readonly repository: string;
  readonly port: number;
  /** Of the backup's major, where they are on this machine. */
  readonly programs: ServerPrograms | undefined;
  /** Who owns what is laid down, where that is not this user. */
  readonly owner: SystemUser | undefined;
  /** Another user, who has the directory now. */
  readonly strangerUid: number | undefined;
  readonly returning: readonly LedgerEntry[];
  /** Entries of the ledger that cannot be read, and that this goes on without. */
  readonly withoutEntries: readonly DamagedObject[];
  /** Other repositories of the cluster, which may say of more that comes back. */
  readonly unreadLedgers: readonly UnreadLedger[];
  /** How far the backup can be relied on: `proven 2 d ago`, `unproven (newest proven: …)`. */
  readonly proof: string;
  /** Undefined when no drill measured anything. */
  readonly expected: RecoveryEstimate | undefined;
}

/** Moment, backup, WAL, places, what is overwritten, and what comes back from the dead. */
export function showRestore(output: Output, shown: ShownRestore): void {
  const { options, preflight, repository, port } = shown;
  const { target } = options;
  const { resolution, layout, lineage } = preflight;
  // As the repository names it: where that holds one cluster alone, that one is taken, whatever this project calls it.
  const cluster = preflight.contents.cluster.name;
  const end =
    resolution.end.kind === 'lsn'
      ? ` = LSN ${formatLsn(resolution.end.lsn)}`
      : resolution.end.kind === 'immediate'
        ? ' = the end of the backup'
        : '';
  output.line(`target     ${describeTarget(target)}${end} on timeline ${lineage.timeline}`);
  if (resolution.before !== undefined || resolution.after !== undefined) {
    output.line(`commits    last before  ${describeCommit(resolution.before)}    first after  ${describeCommit(resolution.after)}`);
    if (target.kind === 'time') showPromise(output, resolution.left);
  }
  output.line(
    `backup     ${resolution.backup.label}, ${formatBytes(layout.totalBytes)}, from ${cluster} in ${repository}   ${shown.proof}`,
  );
  for (const aside of preflight.brokenAside) output.warn(describeBrokenAside(aside));
  if (cluster !== shown.clusterName)
    output.warn(
      `it is the backup of a cluster that ${repository} calls ${cluster}; this project calls its own ${shown.clusterName}. If it is another one, end here`,
    );
  if (preflight.suspicion !== undefined) output.warn(`this backup is suspect. ${describeSuspicion(preflight.suspicion)}`);
  for (const each of preflight.lackingConfiguration) output.warn(`not in the backup: ${each}`);
  const unsummed = unsummedPagesOf(resolution.backup, preflight.contents.backups);
  if (unsummed !== undefined) output.warn(unsummed);
  output.line(`wal        ${describeWal(preflight)}, all there (it reaches to ${formatLsn(resolution.availableUntil)})`);
  if (shown.expected !== undefined)
    output.line(
      `time       about ${formatDuration(shown.expected.spanMs)}: drill ${shown.expected.measure.label} took ${describeEstimate(shown.expected)}`,
    );
  for (const { original, directory } of layout.tablespaces) output.line(`tablespace ${original} → ${directory}`);
  for (const each of preflight.replayed) output.line(`tablespace ${describeReplayed(each)}`);
  showOverwritten(output, preflight);
  if (shown.strangerUid !== undefined && shown.owner !== undefined)
    output.warn(
      `${layout.dataDirectory} belongs to user id ${shown.strangerUid}, and what is restored there will belong to ${shown.owner.name}, since it is root who restores. For a server of the other user run the restore as that user`,
    );
  const rooms = preflight.state.rooms.map(
    ({ directory, neededBytes, freeBytes }) => `${formatBytes(neededBytes)} in ${directory} (${formatBytes(freeBytes)} free)`,
  );
  const needs = `needs      ${rooms.join(', ')}`;
  output.line(
    options.purpose === 'clone'
      ? `${needs}; the clone listens on 127.0.0.1:${port}, archives nothing`
      : `${needs}; it keeps its configuration, archiving too, and goes on in the original's place on a new timeline`,
  );
  showReturning(output, shown.returning, options.reconciles);
  for (const { key } of shown.withoutEntries)
    output.line(
      output.style('bad', `UNKNOWN    may come back too: what ${key} took away, which cannot be read; nothing takes it away again`),
    );
}

function showPromise(output: Output, left: readonly LeftCommits[]): void {
  if (left.length === 0) output.line('           everything acknowledged up to the moment comes back, and nothing begun after it');
  for (const each of left) output.line(`           not with it: ${describeLeft(each)} --timeline ${each.lineage.timeline} has them`);
}

function showOverwritten(output: Output, { state, layout, staleConfiguration }: Preflight): void {
  if (state.kind === 'empty') return;
  const { target, delta, unstored, lostUntil } = state;
  output.line(
    target.kind === 'cluster'
      ? `overwrites the cluster in ${layout.dataDirectory}, last checkpoint ${formatMoment(target.checkpointAt)}`
      : `finishes   the restore of ${target.marker.backup} that was interrupted in ${layout.dataDirectory}`,
  );
  if (target.kind === 'cluster' && target.absentPid !== undefined)
    output.warn(
      `postmaster.pid there names process ${target.absentPid}, and no server runs here as that. A crash leaves that; so does a server that runs in another container or on another host: see that none has this directory`,
    );
  const removed = delta.removed.filter(({ type }) => type !== 'directory').length;
  output.line(
    `           ${delta.compared.length} files (${formatBytes(delta.comparedBytes)}) compared and mended, ${delta.written.length} written new, ${removed} removed (${formatBytes(delta.removedBytes)})`,
  );
  if (staleConfiguration !== undefined) {
    const { directory, files, aside } = staleConfiguration;
    output.line(`           ${files.join(', ')} in ${directory}: not of this backup, moved to ${aside}`);
  }
  if (lostUntil !== undefined)
    output.warn(
      `its last checkpoint is at ${formatLsn(lostUntil)}, and neither its pg_wal nor the repository has the WAL up to there. Look for where it was moved to.`,
    );
  if (unstored === undefined) return;
  output.warn(`${describeUnstored(unstored)}.`);
  output.line(`kept       that WAL (${formatBytes(unstored.sizeBytes)}) is moved to ${unstored.aside}, not deleted`);
  output.line(`           dbadmin wal salvage ${shellWord(unstored.aside)} stores it later`);
}

function showReturning(output: Output, returning: readonly LedgerEntry[], reconciles: boolean): void {
  if (returning.length === 0) return;
  output.line(`will come back with it: ${returning.map(describeEntry).join(', ')}`);
  output.line(`           --reconcile ${reconciles ? 'removes' : 'would remove'} them again before anyone can connect`);
}

function describeReplayed({ isThere, isFilled, ...places }: ReplayedTablespace): string {
  const [location, directory] = [places.location.toWellFormed(), places.directory.toWellFormed()];
  if (isFilled) return `${location}, made after the backup: ${directory} is removed, and recovery makes it anew`;
  return `${location}, made after the backup: recovery makes it${isThere ? '' : ', and the directory has to be there by then'}`;
}

/** Where a recovery is asked to end, for people. */
export function describeTarget(target: RestoreTarget): string {
  switch (target.kind) {
    case 'time':
      return formatMomentUs(targetUs(target));
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
  return mark === undefined ? 'none' : `${formatMomentUs(mark.timeUs)} xid ${mark.xid}`;
}

function unstoredJson(state: Preflight['state']): object | null {
  if (state.kind === 'empty' || state.unstored === undefined) return null;
  const { stretches, acknowledged, storedLsn, sizeBytes, aside } = state.unstored;
  return {
    stretches: stretches.map(({ timeline, segments }) => ({
      timeline,
      segments: segments.length,
      fromLsn: formatLsn(segments[0].storedUntil),
      untilLsn: formatLsn((segments.at(-1) ?? segments[0]).validUntil),
    })),
    commitsFrom: acknowledged?.at?.toISOString() ?? null,
    holdsCommits: acknowledged !== undefined,
    storedLsn: storedLsn === undefined ? null : formatLsn(storedLsn),
    sizeBytes,
    movedTo: aside,
  };
}

/** The preflight in `--json`. */
export function preflightJson({
  options,
  preflight,
  returning,
  withoutEntries,
  unreadLedgers,
  proof,
  expected,
  port,
}: ShownRestore): object {
  const { resolution, layout, lineage, walBytes, state } = preflight;
  const mark = (commit: CommitMark | undefined): object | null =>
    commit === undefined ? null : { xid: commit.xid, lsn: formatLsn(commit.lsn), time: isoMoment(commit.timeUs) };
  return {
    target: describeTarget(options.target),
    at: options.target.kind === 'time' ? isoMoment(targetUs(options.target)) : null,
    timeline: lineage.timeline,
    dataDirectory: layout.dataDirectory,
    port,
    backup: resolution.backup.label,
    cluster: preflight.contents.cluster.name,
    systemIdentifier: preflight.contents.cluster.systemIdentifier,
    proof,
    brokenAside: preflight.brokenAside,
    suspicion: suspicionJson(preflight.suspicion),
    lackingConfiguration: preflight.lackingConfiguration,
    expected:
      expected === undefined
        ? null
        : {
            spanMs: expected.spanMs,
            drill: expected.measure.label,
            drilledAt: expected.measure.at.toISOString(),
            because: describeEstimate(expected),
          },
    end:
      resolution.end.kind === 'lsn'
        ? { kind: 'lsn', lsn: formatLsn(resolution.end.lsn), inclusive: resolution.end.inclusive }
        : { kind: resolution.end.kind },
    neededFrom: resolution.backup.startLsn,
    neededUntil: formatLsn(resolution.neededUntil),
    availableUntil: formatLsn(resolution.availableUntil),
    before: mark(resolution.before),
    after: mark(resolution.after),
    left: resolution.left.map(({ lineage: { timeline: branch }, partingLsn, count, first, last }) => ({
      timeline: branch,
      partingLsn: formatLsn(partingLsn),
      commits: count,
      from: isoMoment(first.timeUs),
      to: isoMoment(last.timeUs),
    })),
    totalBytes: layout.totalBytes,
    walBytes,
    freeBytes: state.rooms[0]?.freeBytes ?? 0,
    rooms: state.rooms,
    overwrites:
      state.kind === 'empty'
        ? null
        : {
            what: state.target.kind,
            comparedFiles: state.delta.compared.length,
            comparedBytes: state.delta.comparedBytes,
            removedFiles: state.delta.removed.filter(({ type }) => type !== 'directory').length,
            removedBytes: state.delta.removedBytes,
          },
    unstoredWal: unstoredJson(state),
    staleConfiguration:
      preflight.staleConfiguration === undefined
        ? null
        : { files: preflight.staleConfiguration.files, movedTo: preflight.staleConfiguration.aside },
    replayedTablespaces: preflight.replayed.map(({ location, directory, isThere, isFilled }) => ({
      location: location.toWellFormed(),
      directory: directory.toWellFormed(),
      isThere,
      isRemoved: isFilled,
    })),
    returning: returning.map((entry) => ({
      kind: entry.deed.kind,
      text: describeEntry(entry),
      at: entry.at.toISOString(),
      lsn: formatLsn(entry.lsn),
      timeline: entry.timeline,
    })),
    withoutEntries: damagedJson(withoutEntries),
    unreadLedgers,
  };
}
