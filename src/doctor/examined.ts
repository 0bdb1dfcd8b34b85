/** What a finding is about. */
export type Area = 'machine' | 'configuration' | 'server' | 'repository' | 'project' | 'schedule';

/** One thing that was looked at. */
export interface Examined {
  readonly area: Area;
  readonly what: string;
  /** `unknown`: it could not be looked at, which is a problem of its own elsewhere. */
  readonly state: 'fine' | 'note' | 'wrong' | 'unknown';
  /** How it stands, with figures. */
  readonly detail: string;
  /** What it leads to; undefined where all is well. */
  readonly why: string | undefined;
  /** The SQL, line or command that mends it. */
  readonly fix: string | undefined;
}

export function fine(area: Area, what: string, detail: string): Examined {
  return { area, what, state: 'fine', detail, why: undefined, fix: undefined };
}

export function wrong(area: Area, what: string, detail: string, why: string, fix: string): Examined {
  return { area, what, state: 'wrong', detail, why, fix };
}

export function remark(area: Area, what: string, detail: string, why: string, fix: string): Examined {
  return { area, what, state: 'note', detail, why, fix };
}

export function unknown(area: Area, what: string, detail: string, fix?: string): Examined {
  return { area, what, state: 'unknown', detail, why: undefined, fix };
}
