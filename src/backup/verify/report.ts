import type { ReportHeader } from '../../repository/reports.ts';
import type { WalGap } from '../gaps.ts';
import type { RecoverableWindow } from '../windows.ts';
import type { AffectedBackup } from './backups-inspect.ts';
import type { AffectedDump } from './dumps-inspect.ts';
import type { Fault, Tally } from './faults.ts';
import type { ReadExtent } from './sampling.ts';

/** What a verification found, and what it means. Written as it is, as JSON. */
export interface VerifyReport {
  /** The name in the configuration. */
  readonly repository: string;
  readonly repositoryId: string;
  readonly cluster: string;
  readonly systemIdentifier: string;
  readonly tool: string;
  readonly extent: ReadExtent;
  /** Labels of earlier verifications: all that they found was looked at again, and what of it is still so is among the faults here. */
  readonly rechecked: readonly string[];
  /** The tool's clock, ISO 8601. */
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly tally: Readonly<Tally>;
  /** Whether nothing is missing or damaged. */
  readonly isSound: boolean;
  /** Backups that do not restore, or not whole. */
  readonly backups: readonly AffectedBackup[];
  /** Backups that can be relied on as far as was looked: their labels. */
  readonly soundBackups: readonly string[];
  readonly dumps: readonly AffectedDump[];
  /** Windows that are shorter than they seem, or gone. */
  readonly windows: readonly AffectedWindow[];
  /** What can be restored in spite of the faults. */
  readonly restorable: readonly RecoverableWindow[];
  /** WAL that is not there, whether that is known or not. No fault by itself: nothing says that it ever was. */
  readonly gaps: readonly WalGap[];
  /** What killed or running writers left: no fault. */
  readonly leftovers: { readonly packs: number; readonly dumps: number };
  readonly faultCount: number;
  /** The first thousand. */
  readonly faults: readonly Fault[];
}

/** A window as the names of objects promise it, and where it really ends; null when nothing of it is left. */
export interface AffectedWindow extends RecoverableWindow {
  readonly endsAtLsn: string | null;
}

/** The header of a stored verification: what a list needs. */
export interface VerificationHeader extends ReportHeader {
  readonly extent: ReadExtent['kind'];
  readonly isSound: boolean;
  readonly faults: number;
  /** Which repository was looked at: reports are copied to others. Absent in reports of earlier versions, which count where they are. */
  readonly repositoryId?: string;
  /** As in {@link VerifyReport}. Absent in reports of earlier versions. */
  readonly rechecked?: readonly string[];
}
