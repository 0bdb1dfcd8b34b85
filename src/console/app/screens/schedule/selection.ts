import type { Session } from '../../api.ts';
import type { Query } from '../../query.ts';
import type { Shown } from '../../words.ts';
import type { ListDocument } from './documents.ts';
import type { StateFilter } from './grid-layout.ts';

/** What is chosen on the screen; it stands in the address. */
export interface Selection {
  readonly cluster: string | undefined;
  readonly policy: string | undefined;
  readonly state: StateFilter;
  readonly days: number;
  readonly job: string | undefined;
  /** `2026-11-21` */
  readonly day: string | undefined;
  readonly run: string | undefined;
}

/** What every part of the screen gets. */
export interface Common {
  readonly session: Session;
  readonly shown: Shown;
  readonly selection: Selection;
  readonly select: (changes: Readonly<Record<string, string | undefined>>) => void;
  readonly list: ListDocument;
}

export const SPANS: readonly number[] = [7, 14, 28, 90];
const STATES: readonly StateFilter[] = ['all', 'failed', 'unplanned', 'running', 'paused'];

/** An address that somebody wrote by hand shows the nearest thing that there is. */
export function readSelection({ cluster, policy, state, days, job, day, run }: Query): Selection {
  return {
    cluster: cluster === '' ? undefined : cluster,
    policy: policy === '' ? undefined : policy,
    state: STATES.find((each) => each === state) ?? 'all',
    days: SPANS.find((each) => String(each) === days) ?? 14,
    job: job === '' ? undefined : job,
    day: day !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(day) ? day : undefined,
    run: run !== undefined && /^[\da-f-]{36}$/i.test(run) ? run : undefined,
  };
}
