import { formatBytes } from '../../base/bytes.ts';
import { formatDuration } from '../../base/durations.ts';
import { printable } from '../../base/printable.ts';
import { describeEntry, notErased } from '../../backup/reconcile/describe.ts';
import { isErasure } from '../../backup/reconcile/returning.ts';
import type { Restored } from '../../backup/restore/apply.ts';
import type { Started } from '../../backup/restore/start-run.ts';
import { pgCtlLine, type KnownPrograms } from '../../postgres/pg-ctl-line.ts';
import type { CommandContext } from '../command.ts';
import type { Output } from '../output.ts';
import type { ProjectDifference, ReconcileReport } from './reconcile-restored.ts';
import { removalWords } from './removal-words.ts';
import { preflightJson, type ShownRestore } from './show-restore.ts';

/** What became of a restore. */
export interface RestoreOutcome {
  readonly restored: Restored;
  /** Undefined when it was only laid down. */
  readonly started: Started | undefined;
  readonly reconciled: ReconcileReport | undefined;
  /** Undefined when nobody could look. */
  readonly differs: ProjectDifference | undefined;
  /** Whether somebody interrupted it when nothing could be taken back any more: what comes after it is not to follow by itself. */
  readonly isInterrupted: boolean;
}

/** What was laid down, and what is not as it was there. */
export function showLaidDown({ output, log }: CommandContext, restored: Restored, totalBytes: number, tookMs: number): void {
  const { dataDirectory, delta } = restored;
  for (const file of restored.madeFiles)
    log.warn(
      `${file} is not in the data directory of the backup (the original has it elsewhere, or it was not saved): a plain one was written`,
    );
  for (const line of restored.leftLines) log.warn(`postgresql.conf: ${line} leads out of the data directory and was left out`);
  for (const { setting, library, reason } of restored.leftLibraries) log.warn(`${setting}: ${library} was left out: it ${reason}`);
  const reused = delta === undefined ? '' : `   ${formatBytes(delta.reusedBytes)} were there, ${formatBytes(delta.rewrittenBytes)} mended`;
  output.line(`restored   ${dataDirectory}   ${formatBytes(totalBytes)}   ${formatDuration(tookMs)}${reused}`);
  for (const file of restored.outsideFiles) output.line(`           ${file}`);
}

/** How it stands now, what came back or was taken away again, and what to do next. */
export function reportRestored(output: Output, shown: ShownRestore, outcome: RestoreOutcome, tookMs: number): void {
  const { options, port, preflight } = shown;
  const { restored, started, reconciled, differs } = outcome;
  const { dataDirectory } = restored;
  const start = pgCtlLine(programsOf(shown), dataDirectory, 'start');
  if (reconciled !== undefined) showReconciled(output, reconciled);
  if (differs !== undefined) showDifference(output, differs);
  if (started === undefined) {
    output.line(`next       start it: ${start}   (WAL for its recovery is in ${restored.spoolDirectory})`);
  } else if (started.state === 'shut-down') {
    const end = reconciled === undefined ? 'to the target and shut down' : `and reconciled; start it: ${start}`;
    output.line(`recovered  ${end}   ${formatDuration(tookMs)}`);
    if (reconciled === undefined) {
      const open = pgCtlLine(programsOf(shown), dataDirectory, "start -o '-c recovery_target_action=promote'");
      output.line(`next       open it: ${open}   (started without that option it shuts down at the target again)`);
    }
  } else {
    const where = options.purpose === 'clone' ? `postgresql://127.0.0.1:${port}` : `port ${port} of its own addresses`;
    output.line(
      `${started.state === 'open' ? 'open       ' : 'paused     '}${where}   timeline ${started.timeline}   ${formatDuration(tookMs)} in all`,
    );
    if (started.state === 'paused')
      output.line('next       open it: select pg_wal_replay_resume()   (for writing, on a timeline of its own; until then it can be read)');
  }
  const removal = removalOf(shown, outcome);
  if (removal !== null && started !== undefined) output.note(`To throw it away: ${removal}`);
  if (options.purpose === 'production')
    output.line('next       when it is open: dbadmin backup adopt (timeline, slot, first backup, receiver)');
  output.result({
    preflight: preflightJson(shown),
    restored: {
      dataDirectory,
      port,
      state: started?.state ?? 'not-started',
      interrupted: outcome.isInterrupted,
      timeline: started?.timeline ?? preflight.lineage.timeline,
      tookMs,
      reusedBytes: restored.delta?.reusedBytes ?? 0,
      madeFiles: restored.madeFiles,
      removal,
    },
    reconciled:
      reconciled === undefined
        ? null
        : {
            ledger: reconciled.ledger.map(({ entry, outcome: what, owned }) => ({
              kind: entry.deed.kind,
              text: describeEntry(entry),
              outcome: what,
              ...(owned === undefined ? {} : { owned }),
            })),
            roles: reconciled.roles ?? null,
            migrations: reconciled.migrations ?? null,
            migrationsReplayed: reconciled.migrationsReplayed,
          },
    differs: differs === undefined ? null : { roles: differs.roles ?? null, migrations: differs.migrations ?? null },
  });
}

/** A clone is there to be thrown away some day; a production is not. */
function removalOf(shown: ShownRestore, { restored, started }: RestoreOutcome): string | null {
  const { options, preflight } = shown;
  if (options.purpose === 'production') return null;
  return removalWords({
    dataDirectory: restored.dataDirectory,
    spoolDirectory: restored.spoolDirectory,
    tablespaces: preflight.layout.tablespaces.map(({ directory }) => directory),
    isRunning: started !== undefined && started.state !== 'shut-down',
    programs: programsOf(shown),
  });
}

function programsOf({ programs, owner }: ShownRestore): KnownPrograms {
  return programs ?? { binDirectory: undefined, runAs: owner };
}

function showReconciled(output: Output, { ledger, roles, migrations, migrationsReplayed }: ReconcileReport): void {
  const undone = ledger.filter(({ outcome }) => outcome === 'undone' || outcome === 'left-as-owner');
  output.line(`reconciled ${undone.length} of the ledger, ${roles?.length ?? 0} by roles.yaml, before anyone could connect`);
  for (const { entry, owned = [] } of undone) {
    output.line(`  taken away again${owned.length === 0 ? '' : ', but for what it owns'}: ${describeEntry(entry)}`);
  }
  showLeftOwners(output, ledger);
  for (const { entry, outcome } of ledger) if (outcome === 'nothing-to-undo' && isErasure(entry)) output.warn(notErased(entry));
  for (const line of roles ?? []) output.line(`  ${line}`);
  if (migrations !== undefined && migrations.length > 0)
    output.line(
      `  migrations ${migrationsReplayed ? 'replayed' : 'to replay (dbadmin migrate, or --replay-migrations)'}: ${migrations.join(', ')}`,
    );
}

const SHOWN_LINES = 12;

/** What a role owned runs with the rights of whoever gets it: that is for somebody to decide. */
function showLeftOwners(output: Output, ledger: ReconcileReport['ledger']): void {
  for (const { entry, owned = [] } of ledger) {
    if (owned.length === 0 || entry.deed.kind !== 'role-dropped') continue;
    const more = owned.length > SHOWN_LINES ? `, and ${owned.length - SHOWN_LINES} more` : '';
    output.warn(
      `${printable(entry.deed.role)} is left as the owner of ${owned.slice(0, SHOWN_LINES).map(printable).join(', ')}${more}: it cannot log in, is in no group, and may nothing else. Its views and SECURITY DEFINER routines do no more than it may. Look at them, give them away in each database (REASSIGN OWNED BY … TO …), and drop the role`,
    );
  }
}

/** Whether it came back or never was: the project's files say otherwise. */
function showDifference(output: Output, { roles, migrations }: ProjectDifference): void {
  if (roles !== undefined && roles.length > 0) {
    const places = `${roles.length} place${roles.length === 1 ? '' : 's'}`;
    output.line(`differs    from roles.yaml in ${places} (--reconcile applies it before anyone can connect; dbadmin roles plan)`);
    for (const line of roles.slice(0, SHOWN_LINES)) output.line(`  ${line}`);
    if (roles.length > SHOWN_LINES) output.line(`  and ${roles.length - SHOWN_LINES} more`);
  }
  if (migrations !== undefined && migrations.length > 0) output.line(`differs    it lacks these migrations: ${migrations.join(', ')}`);
}
