import type { LockMode } from '../effects/lock-modes.ts';
import type { Work } from '../effects/effect.ts';

/** `error`: `up` refuses. `warning`: fails a check. `notice`: worth knowing. */
export type Severity = 'notice' | 'warning' | 'error';

export const SEVERITIES: readonly Severity[] = ['notice', 'warning', 'error'];

export function isAtLeast(severity: Severity, least: Severity): boolean {
  return SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(least);
}

/** What lint says about one statement. */
export interface Finding {
  /** The rule's id; or `opaque`, `unreadable`, `unknown-rule`, `unused-allow`, which are about lint itself. */
  readonly rule: string;
  readonly severity: Severity;
  /** As messages name the file: relative to the project. */
  readonly file: string;
  /** Both from 1, of the statement's first character; columns in characters. */
  readonly line: number;
  readonly column: number;
  /** Number of the statement in its file, from 1; undefined for what concerns the file. */
  readonly statement: number | undefined;
  /** What is there, naming the thing: `CREATE INDEX on core.play`. */
  readonly message: string;
  /** Who waits for what, in one sentence; undefined where nobody does. */
  readonly blocked: string | undefined;
  /** Why that is dangerous. */
  readonly why: string;
  /** What to write instead; lines. */
  readonly safe: string;
  /** The relation it is about, as written. */
  readonly relation: string | undefined;
  readonly lock: LockMode | undefined;
  readonly work: Work | undefined;
  /** What the statement stands in, outermost first: `DO`, `EXECUTE`. */
  readonly inside: readonly string[];
}
