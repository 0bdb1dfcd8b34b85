import { formatDuration } from '../../base/durations.ts';

/** A session that another waits for. */
export interface Blocker {
  /** Undefined for a prepared transaction, which no session has any more. */
  readonly pid: number | undefined;
  /** The rest is undefined where the asking role may not see it (pg_monitor may). */
  readonly user: string | undefined;
  readonly application: string | undefined;
  /** As pg_stat_activity has it: `active`, `idle in transaction`. */
  readonly state: string | undefined;
  /** How long its transaction is open. */
  readonly openMs: number | undefined;
  /** The beginning of its last or present statement, on one line. */
  readonly query: string | undefined;
}

/** What a statement waits for. */
export interface LockWait {
  /** `AccessExclusiveLock`. */
  readonly mode: string;
  /** `core.play`; undefined when it waits for the end of a transaction. */
  readonly relation: string | undefined;
  readonly waitedMs: number;
}

/** How far a long command has come, by the server's own count. */
export interface CommandProgress {
  /** `building index`, `scanning heap`. */
  readonly phase: string;
  /** Undefined where the phase counts nothing. */
  readonly done: { readonly of: 'blocks' | 'rows' | 'bytes' | 'sessions'; readonly count: number; readonly total: number } | undefined;
}

/** What another session sees of a running statement. */
export interface Activity {
  readonly runningMs: number;
  readonly wait: LockWait | undefined;
  readonly blockers: readonly Blocker[];
  readonly progress: CommandProgress | undefined;
  /** Locks it holds on tables, as `pg_locks` has them. */
  readonly held: readonly { readonly relation: string; readonly mode: string }[];
}

const QUERY_SHOWN = 60;

/** `process 4711 (svc_api, psql, idle in transaction, its transaction open for 3 min 2 s): update core.play set …`. */
export function describeBlocker({ pid, user, application, state, openMs, query }: Blocker): string {
  if (pid === undefined) return 'a prepared transaction (see pg_prepared_xacts)';
  const facts = [
    user,
    application === '' ? undefined : application,
    state,
    openMs === undefined ? undefined : `its transaction open for ${formatDuration(openMs)}`,
  ];
  const said = facts.filter((fact) => fact !== undefined).join(', ');
  // It is somebody else's text: nothing in it may move the cursor.
  const line = (query ?? '')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\p{Cc}/gu, '')
    .trim();
  const shown = line.length > QUERY_SHOWN ? `${line.slice(0, QUERY_SHOWN - 1)}…` : line;
  return `process ${pid}${said === '' ? '' : ` (${said})`}${shown === '' ? '' : `: ${shown}`}`;
}

/** `process 4711 (…): update …, and 2 more`; undefined when nobody blocks. */
export function describeBlockers(blockers: readonly Blocker[]): string | undefined {
  const [first] = blockers;
  if (first === undefined) return undefined;
  return `${describeBlocker(first)}${blockers.length > 1 ? `, and ${blockers.length - 1} more` : ''}`;
}

/** What is to be said of a running statement: who is waited for, else how far it is; undefined when there is nothing to say. */
export function describeActivity({ wait, blockers, progress, runningMs }: Activity): string | undefined {
  const blocked = describeBlockers(blockers);
  const steps = progress === undefined ? undefined : describeProgress(progress);
  if (blocked !== undefined) {
    const what = wait === undefined ? '' : ` for ${wait.mode.replace(/Lock$/, '')} on ${wait.relation ?? 'the end of a transaction'}`;
    const waited = formatDuration(wait?.waitedMs ?? runningMs);
    return `${steps === undefined ? '' : `${steps}; `}waiting ${waited}${what}, behind ${blocked}`;
  }
  return steps === undefined ? undefined : `${steps}   ${formatDuration(runningMs)}`;
}

function describeProgress({ phase, done }: CommandProgress): string {
  if (done === undefined || done.total <= 0) return phase;
  const share = Math.min(100, Math.floor((done.count / done.total) * 100));
  return `${phase} ${share} % (${done.count.toLocaleString('en')} of ${done.total.toLocaleString('en')} ${done.of})`;
}
