import { tellSessionOver } from './presence.ts';

/** What the console's API gives; the figures are those of `dbadmin status --json`, under the names they have there. */

export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly detail?: string;
  readonly hint?: string;
  /** The command that failed, where there is one. */
  readonly command?: string;
}

export interface Session {
  readonly user: string;
  readonly role: 'viewer' | 'operator';
  readonly csrf: string;
  readonly endsAt: string;
  readonly project: { readonly version: string; readonly timeZone: string; readonly directory: string };
}

/** The ways to sign in, and why the last try by the provider came to nothing. */
export interface Doors {
  readonly hasUsers: boolean;
  readonly hasLink: boolean;
  readonly provider: { readonly label: string; readonly beginsAt: string } | null;
  readonly failure: Failure | null;
}

/** What could not be looked at says why. */
export interface Unknown {
  readonly unknown: string;
}

export interface StatusAnswer {
  readonly status: Status;
  /** By cluster: what is lost with its host, and when it is back, in words. */
  readonly promises: Readonly<Record<string, string>>;
}

export interface Status {
  readonly at: string;
  readonly clusters: readonly Cluster[];
  readonly jobs: readonly Job[];
  readonly problems: readonly Problem[];
  readonly unknown: readonly { readonly kind: string; readonly cluster: string | null; readonly what: string }[];
}

export interface Problem {
  readonly kind: string;
  readonly severity: 'failed' | 'late';
  readonly cluster: string | null;
  readonly subject: string | null;
  readonly what: string;
  readonly next: string;
}

export interface Cluster {
  readonly name: string;
  readonly place: string;
  readonly loss: { readonly kind: 'span' | 'everything' | 'unknown'; readonly lossMs: number | null; readonly because: string };
  readonly restore: { readonly restoreMs: number; readonly drilledAt: string } | null;
  readonly server: Server | Unknown;
  readonly repositories: readonly Repository[];
  readonly migrations: { readonly applied: number; readonly pending: number; readonly problems: number } | Unknown | null;
  readonly roles: { readonly drift: number; readonly destructive: number } | Unknown | null;
  /** `rtoMs`: how long a restore may take, where a policy promises that. */
  readonly limits: { readonly dumpsOnly: boolean; readonly walLagMs?: number | null; readonly rtoMs?: number | null };
}

export interface Server {
  readonly version: string;
  readonly isStandby: boolean;
  readonly sizeBytes: number | null;
}

export interface Repository {
  readonly name: string;
  readonly place: string;
  readonly isOnHost: boolean;
  readonly walLag: { readonly bytes: number; readonly lagMs: number | null } | null;
  readonly state: RepositoryState | Unknown;
}

export interface RepositoryState {
  readonly writeProblem: string | null;
  readonly freeBytes: number | null;
  readonly usedBytes: number | null;
  readonly growthBytesPerDay: number | null;
  readonly lineage: Lineage | null;
}

export interface Lineage {
  readonly timeline: number;
  readonly stretches: readonly { readonly from: string; readonly to: string | null }[];
  readonly gaps: readonly { readonly timeline: number; readonly fromLsn: string; readonly toLsn: string; readonly reason: string }[];
  readonly isCut: boolean;
  readonly backups: number;
  readonly newest: { readonly label: string; readonly kind: string; readonly startedAt: string } | null;
  readonly dumpAt: string | null;
  readonly drill: { readonly label: string; readonly verdict: 'passed' | 'failed' | 'proved-nothing'; readonly at: string } | null;
  readonly drillPassedAt: string | null;
}

export interface Job {
  readonly name: string;
  readonly description: string;
  readonly cluster: string | null;
  readonly nextAt: string | null;
  readonly isPaused: boolean;
  readonly last:
    | { readonly startedAt: string; readonly outcome: 'succeeded' | 'failed' | 'running'; readonly message: string | null }
    | Unknown
    | null;
}

export interface AuditTrail {
  /** Oldest first: all of them, or so many of the last as were asked for. */
  readonly entries: readonly AuditEntry[];
  readonly total: number;
  /** Numbers of lines that do not follow from the one before. */
  readonly broken: readonly number[];
}

export interface AuditEntry {
  readonly at: string;
  readonly who: string;
  readonly from: string;
  readonly what: string;
  readonly cluster: string | null;
  readonly outcome: 'begun' | 'done' | 'refused' | 'failed';
  readonly id: string;
  readonly detail: string | null;
}

/** A command that was started here. */
export interface Run {
  readonly id: string;
  /** `backups/run` */
  readonly action: string;
  readonly command: string;
  readonly cluster: string | null;
  readonly who: string;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly state: 'running' | 'done' | 'partly' | 'failed' | 'stopped';
  readonly exitStatus: number | null;
  readonly detail: string | null;
}

export interface RunLine {
  readonly number: number;
  readonly at: string;
  readonly text: string;
}

/** A request that was refused or failed, with what the console said of it. */
export class RequestFailure extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

const AWAY: Failure = {
  code: 'connection-failed',
  message: 'the console does not answer',
  hint: 'See whether dbadmin console still runs.',
};

const AGAIN_MS = 250;

/**
 * Asks the console. `body` makes it a request that changes something, with the session's token.
 *
 * @throws {RequestFailure}
 */
export async function ask<Answer>(path: string, body?: object, csrf?: string): Promise<Answer> {
  return await send<Answer>(
    path,
    body === undefined
      ? {}
      : {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...(csrf === undefined ? {} : { 'x-csrf-token': csrf }) },
          body: JSON.stringify(body),
        },
  );
}

/** Asks, and can be told to give up. @throws {RequestFailure} */
export async function send<Answer>(path: string, request: RequestInit): Promise<Answer> {
  const response = await answerOf(path, request);
  const document = (await response?.json().catch(() => undefined)) as Answer | { readonly error: Failure } | undefined;
  if (response === undefined || document === undefined) throw new RequestFailure(AWAY);
  if (!isFailure(document)) return document;
  if (document.error.code === 'sign-in-needed') tellSessionOver();
  throw new RequestFailure({ ...document.error, ...('command' in document ? { command: String(document.command) } : {}) });
}

/** Undefined where nobody answers. */
async function answerOf(path: string, request: RequestInit): Promise<Response | undefined> {
  const response = await fetch(path, request).catch(() => undefined);
  if (response !== undefined || request.method !== undefined || request.signal?.aborted === true) return response;
  // A network that changes, by a VPN or a container, breaks off what is on its way. What only reads is asked once more.
  await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  return await fetch(path, request).catch(() => undefined);
}

export function isFailure(document: unknown): document is { readonly error: Failure } {
  return typeof document === 'object' && document !== null && 'error' in document;
}

export function isUnknown(value: unknown): value is Unknown {
  return typeof value === 'object' && value !== null && 'unknown' in value;
}

export function failureOf(error: unknown): Failure {
  if (error instanceof RequestFailure) return error.failure;
  return { code: 'internal', message: error instanceof Error ? error.message : String(error) };
}
