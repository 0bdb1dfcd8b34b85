import { isAhead } from '../repository/stored-moment.ts';
import { estimateRecovery, type RecoveryEstimate } from './estimate.ts';
import type { ClusterFacts, Known, Limits, LineageFacts, RepositoryFacts, ServerFacts } from './facts.ts';

/** What is left if the host vanishes now: how much is lost, and when the database is back. */
export interface HostLoss {
  readonly loss: Loss;
  /** Undefined when nothing measured it. */
  readonly back: RecoveryEstimate | undefined;
  /** The repository that it would be restored from. */
  readonly repository: string | undefined;
  /** That repository is a directory of the same host, as far as addresses tell: all this holds only if it survives. */
  readonly isOnHost: boolean;
}

export type Loss =
  /** What was committed in this span before now is lost at most. `coveredUntil`: everything up to then is stored. `without`: databases that no dump holds, and that are lost. */
  | {
      readonly kind: 'span';
      readonly spanMs: number;
      readonly coveredUntil: Date;
      readonly because: LossReason;
      readonly without?: readonly string[];
    }
  /** There is something to restore, and nothing tells until when it reaches. */
  | { readonly kind: 'unknown'; readonly why: string }
  | { readonly kind: 'everything'; readonly why: string; readonly next: string };

export type LossReason =
  /** The open end of the WAL. */
  | 'open-wal'
  /** WAL that was lost since the newest backup. */
  | 'gap'
  /** Dumps are all there is. */
  | 'dumps-only';

/** To read, seal and store what has come in, on a disk that others use or over a network. */
const STORING_MS = 1000;

/** The best that the repositories of a cluster hold: one elsewhere before one on the host, then the one that loses least. */
export function hostLoss(cluster: ClusterFacts, now: Date): HostLoss {
  const losses = cluster.repositories.map((repository) => lossOf(repository, cluster, now));
  const best = losses.reduce<HostLoss | undefined>((found, each) => (found === undefined || isLess(each, found) ? each : found), undefined);
  return (
    best ?? {
      loss: { kind: 'everything', why: 'no repository is configured for its backups', next: 'name one in dbadmin.yaml' },
      back: undefined,
      repository: undefined,
      isOnHost: false,
    }
  );
}

/** What one repository alone could give back. */
export function lossOf(repository: RepositoryFacts, { server, limits }: ClusterFacts, now: Date): HostLoss {
  const { state, name, isOnHost } = repository;
  const nothing = { back: undefined, repository: undefined, isOnHost: false };
  if (state.kind === 'unknown') {
    return { loss: { kind: 'unknown', why: `repository ${name} cannot be read: ${state.why}` }, ...nothing };
  }
  const { lineage } = state.value;
  if (lineage === undefined) {
    const next = firstCommand(limits);
    return { loss: { kind: 'everything', why: `${name} holds nothing of it`, next }, ...nothing };
  }
  if (limits.dumpsOnly) return { loss: dumpLoss(lineage, name, now), back: undefined, repository: name, isOnHost };
  return { loss: walLoss(lineage, server, limits, name, now), back: estimateRecovery(lineage), repository: name, isOnHost };
}

/** What brings the first that can be restored. */
export function firstCommand({ dumpsOnly }: Limits): string {
  return `dbadmin backup ${dumpsOnly ? 'dump' : 'run'}`;
}

function dumpLoss({ dumpAt, dumps }: LineageFacts, name: string, now: Date): Loss {
  if (dumpAt === undefined) return { kind: 'everything', why: `${name} has no dump of it`, next: 'dbadmin backup dump' };
  const without = dumps.flatMap(({ database, at }) => (at === undefined ? [database] : []));
  return { kind: 'span', spanMs: since(dumpAt, now), coveredUntil: dumpAt, because: 'dumps-only', without };
}

function walLoss(lineage: LineageFacts, server: Known<ServerFacts>, limits: Limits, name: string, now: Date): Loss {
  const stretch = lineage.stretches.at(-1);
  if (stretch === undefined)
    return { kind: 'everything', why: `${name} has no backup of it that can be restored`, next: 'dbadmin backup run' };
  const covered = coveredUntil(stretch, lineage, server);
  if (covered === undefined) return { kind: 'unknown', why: `nothing in ${name} tells how far its WAL reaches` };
  if (isAhead(covered, now)) return { kind: 'unknown', why: `what ${name} holds last is of a moment that has not come: a clock was ahead` };
  const measuredMs = since(covered, now);
  if (lineage.isCut) return { kind: 'span', spanMs: measuredMs, coveredUntil: covered, because: 'gap' };
  // The receiver stores what is new every so often, and that takes its time: a moment later it may be that much, whatever it is right now.
  const spanMs = isReceiving(server) ? Math.max(measuredMs, limits.rpoMs + STORING_MS) : measuredMs;
  return { kind: 'span', spanMs, coveredUntil: covered, because: 'open-wal' };
}

/**
 * What the WAL itself tells; or the moment when the server was asked, if all that it had written then was stored. A standby cannot
 * say what its primary has written.
 */
function coveredUntil(stretch: LineageFacts['stretches'][number], lineage: LineageFacts, server: Known<ServerFacts>): Date | undefined {
  if (server.kind === 'unknown' || server.value.systemIdentifier !== lineage.systemIdentifier) return stretch.to;
  const { writtenLsn, askedAt, isStandby } = server.value;
  if (isStandby || lineage.isCut || stretch.toLsn < writtenLsn) return stretch.to;
  return stretch.to !== undefined && stretch.to > askedAt ? stretch.to : askedAt;
}

export function isReceiving(server: Known<ServerFacts>): boolean {
  return server.kind === 'known' && server.value.slots.some(({ isOurs, isActive }) => isOurs && isActive);
}

/** How far a repository is behind the server. Undefined where one of them cannot be asked or holds nothing. */
export interface WalLag {
  readonly bytes: number;
  /** Since the last moment that the stored WAL covers; 0 when nothing is missing, undefined when nothing tells. */
  readonly spanMs: number | undefined;
}

export function walLag(repository: RepositoryFacts, server: Known<ServerFacts>, now: Date): WalLag | undefined {
  if (repository.state.kind === 'unknown' || server.kind === 'unknown') return undefined;
  const { lineage } = repository.state.value;
  if (lineage?.storedLsn === undefined || lineage.systemIdentifier !== server.value.systemIdentifier) return undefined;
  const bytes = Math.max(0, Number(server.value.writtenLsn - lineage.storedLsn));
  if (bytes === 0) return { bytes, spanMs: 0 };
  return { bytes, spanMs: lineage.storedUntil === undefined ? undefined : since(lineage.storedUntil, now) };
}

function isLess({ loss: a, isOnHost }: HostLoss, { loss: b, isOnHost: otherIsOnHost }: HostLoss): boolean {
  if (a.kind === 'span' && b.kind === 'span' && isOnHost === otherIsOnHost && missing(a) !== missing(b)) return missing(a) < missing(b);
  if (a.kind === 'span' && b.kind === 'span') return isOnHost === otherIsOnHost ? a.spanMs < b.spanMs : otherIsOnHost;
  const order = { span: 0, unknown: 1, everything: 2 } as const;
  return order[a.kind] < order[b.kind];
}

function missing({ without = [] }: Extract<Loss, { readonly kind: 'span' }>): number {
  return without.length;
}

/** Never negative, though another clock may be ahead. */
function since(moment: Date, now: Date): number {
  return Math.max(0, now.getTime() - moment.getTime());
}
