/** Whether the control database answers, and since when it does or does not. */
export type ControlFacts =
  | { readonly kind: 'connected'; readonly since: Date }
  | { readonly kind: 'away'; readonly since: Date; readonly reason: string };

/** What becomes of the WAL of a cluster here: `standby` while another worker has it. */
export interface ReceptionFacts {
  readonly cluster: string;
  readonly state: 'receiving' | 'standby' | 'failing';
  readonly since: Date;
  readonly reason: string | undefined;
}

/** What a worker says of itself. */
export interface WorkerFacts {
  readonly worker: string;
  readonly startedAt: Date;
  readonly slots: number;
  readonly control: ControlFacts;
  readonly running: readonly { readonly job: string; readonly due: Date; readonly attempt: number; readonly startedAt: Date }[];
  /** Attempts that ended since it began, by how. */
  readonly ended: Readonly<Record<'succeeded' | 'failed' | 'will-retry', number>>;
  readonly receptions: readonly ReceptionFacts[];
  /** When the times of the jobs were last looked at; undefined before the first time. */
  readonly plannedAt: Date | undefined;
}

const STUCK_MS = 120_000;

/**
 * Whether a worker does its work, for whoever restarts it when not. A control database that is away is no reason to restart
 * it: the document says so, and the worker goes on by itself when it is back.
 */
export function health(facts: WorkerFacts, now: Date): { readonly healthy: boolean; readonly document: object } {
  const stuck =
    facts.control.kind === 'connected' &&
    now.getTime() - Math.max(facts.plannedAt?.getTime() ?? 0, facts.control.since.getTime()) > STUCK_MS;
  return {
    healthy: !stuck,
    document: {
      status: stuck ? 'stuck' : facts.control.kind === 'away' ? 'waiting for the control database' : 'ok',
      worker: facts.worker,
      startedAt: facts.startedAt,
      control: facts.control,
      plannedAt: facts.plannedAt ?? null,
      slots: facts.slots,
      running: facts.running,
      ended: facts.ended,
      wal: facts.receptions.map(({ reason, ...rest }) => ({ ...rest, reason: reason ?? null })),
    },
  };
}
