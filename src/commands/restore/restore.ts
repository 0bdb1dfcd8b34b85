import { ERROR_CODES } from '../../base/errors.ts';
import { brokenBackups } from '../../backup/broken.ts';
import { restoredPosition } from '../../backup/reconcile/position.ts';
import { returningWith } from '../../backup/reconcile/returning.ts';
import { readProofs, type Proofs } from '../../backup/drill/record.ts';
import { inspectRestore, type Preflight } from '../../backup/restore/inspect.ts';
import { checkReachable, strangerOf } from '../../backup/restore/lay-down-apply.ts';
import { refuseLivingOriginal } from '../../backup/restore/original-inspect.ts';
import { readStanding } from '../../backup/verify/record.ts';
import { keepYoungGeneration } from '../../base/young-generation.ts';
import { parseLsn } from '../../postgres/lsn.ts';
import { unprivilegedUser } from '../../postgres/server.ts';
import { estimateRecovery, type RecoveryEstimate } from '../../status/estimate.ts';
import { stateOf, type KnownOfBackups } from '../backup/show-proofs.ts';
import { listOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { openRepository, selectRepository } from '../open-repository.ts';
import { confirmOrStop } from '../output.ts';
import { withBeforeDrop } from './before-drop.ts';
import { clonePort, programsFor, refuseBusyProduction } from './clone-place.ts';
import { readMeasure } from '../status/read-measure.ts';
import { returningByAll } from './other-ledgers.ts';
import { readableLedger } from './readable-ledger.ts';
import { restoreAndStart } from './restore-and-start.ts';
import { restoreKind } from './restore-kind.ts';
import { restoreOptions } from './restore-options.ts';
import { preflightJson, showRestore } from './show-restore.ts';
import { reportRestored } from './show-restored.ts';

export async function run(context: CommandContext, typed: CommandInput): Promise<number> {
  const kind = restoreKind(typed);
  const input = await withBeforeDrop(context, typed);
  if (kind === 'dump') return await (await import('./restore-dump.ts')).run(context, input);
  if (kind === 'files') return await (await import('./dump-files.ts')).run(context, input);
  if (kind === 'tables') return await (await import('./restore-table.ts')).run(context, input);
  const { output, clock } = context;
  const options = restoreOptions(context, input);
  const { config, cluster } = await loadProject(context, input);
  keepYoungGeneration();
  const repository = selectRepository(config, cluster, textOption(input, 'repository'));
  const opened = await openRepository(context, repository);
  try {
    const startedAt = clock.now().getTime();
    const systemIdentifier = textOption(input, 'systemIdentifier');
    const preflight = await inspectRestore({
      repository: opened,
      clusterName: cluster.name,
      systemIdentifier,
      passesOverDamaged: true,
      ...options,
    });
    const lineage = preflight.contents.cluster.systemIdentifier;
    const ledger = await readableLedger(opened, lineage, listOption(input, 'withoutLedgerEntry'));
    const from = { config, cluster, repository, opened, systemIdentifier: lineage };
    const { returning, unreadLedgers } = await returningByAll(context, from, ledger.entries, (entries) =>
      returningWith(restoredPosition(preflight), entries),
    );
    const programs = await programsFor(context, preflight, options.starts || options.reconciles);
    const owner = programs?.runAs ?? (await unprivilegedUser());
    await checkReachable(options.dataDirectory, owner);
    const port = await clonePort(options, preflight, cluster);
    const proofs = await readProofs(opened, lineage, clock.now());
    const broken = brokenBackups(preflight.contents.backups, await readStanding(opened, lineage));
    const proof = proofOf(preflight, { proofs, suspicions: preflight.contents.suspicions, broken }, clock.now());
    const expected = await expectedTime(preflight, proofs);
    const shown = {
      options,
      preflight,
      clusterName: cluster.name,
      repository: repository.name,
      port,
      programs,
      owner,
      strangerUid: await strangerOf(options.dataDirectory, owner),
      returning,
      proof,
      expected,
      withoutEntries: ledger.damaged,
      unreadLedgers,
    };
    showRestore(output, shown);
    if (options.dryRun) {
      output.result({ preflight: preflightJson(shown), restored: null, reconciled: null, differs: null });
      return 0;
    }
    const refuseOriginal = async (): Promise<void> =>
      options.purpose === 'production'
        ? await refuseLivingOriginal(cluster.connection, lineage, options.acceptsUnknownOriginal)
        : undefined;
    await refuseOriginal();
    await refuseBusyProduction(options, preflight);
    await confirmOrStop(output, preflight.state.kind === 'empty' ? 'Restore?' : `Restore over ${options.dataDirectory}?`);
    // Its host may have come back while somebody was asked.
    await refuseOriginal();
    const outcome = await restoreAndStart(context, input, {
      options,
      config,
      cluster,
      repository,
      preflight,
      returning,
      programs,
      owner,
      port,
    });
    reportRestored(output, shown, outcome, clock.now().getTime() - startedAt);
    // Not 0, however far it came: a script would go on to adopt what somebody tried to stop.
    return outcome.isInterrupted ? ERROR_CODES.interrupted.exit : 0;
  } finally {
    await opened.store.close();
  }
}

/** How far the backup can be relied on, and which is the newest that was tried. */
function proofOf({ contents, resolution }: Preflight, known: KnownOfBackups, now: Date): string {
  const state = stateOf(resolution.backup, known, now);
  const verification = known.broken.get(resolution.backup.label);
  if (verification !== undefined) return `${state}: it does not restore whole, as ${verification} found`;
  const proven = contents.backups.filter((backup) => known.proofs.provenBy(backup) !== undefined).at(-1);
  const isTrusted = state !== 'unproven' && known.proofs.failedBy(resolution.backup) === undefined;
  return !isTrusted && proven !== undefined ? `${state} (newest proven: ${proven.label})` : state;
}

/** How long until the cluster is there, as the last drill measured it; undefined when none did. */
async function expectedTime(
  { repository, contents, resolution, layout }: Preflight,
  proofs: Proofs,
): Promise<RecoveryEstimate | undefined> {
  const measured = await readMeasure(repository, contents.cluster.systemIdentifier, [proofs.lastPassed?.label, proofs.last?.label]);
  const newest = { startLsn: parseLsn(resolution.backup.startLsn), plainBytes: layout.totalBytes };
  return estimateRecovery({ measured, newest, storedLsn: resolution.neededUntil });
}
