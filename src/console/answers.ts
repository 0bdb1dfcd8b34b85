import type { AuditTrail } from './audit.ts';
import type { LagSeries } from './lag-history.ts';

/** A document as `--json` prints it. */
export type Document = Readonly<Record<string, unknown>>;

/** What the screens show. Each is computed by the functions of the command line, and thrown failures are worded as there. */
export interface Answers {
  /** The project, for the frame around the screens. */
  readonly project: { readonly version: string; readonly timeZone: string; readonly directory: string };
  /** The state of the project as `dbadmin status --json` has it, with the sentence of each cluster. */
  status(): Promise<Document>;
  audit(): Promise<AuditTrail>;
  /** How far the stored WAL was behind, at the looks of the last hours. */
  lags(): readonly LagSeries[];
}
