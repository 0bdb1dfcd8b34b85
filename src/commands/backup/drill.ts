import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, messageOf } from '../../base/errors.ts';
import { IN_PART } from '../../base/exit-status.ts';
import { recordDrill, type RecordedDrill } from '../../backup/drill/record.ts';
import { runDrill } from '../../backup/drill/run.ts';
import { makeScratch, sweepScratch } from '../../backup/drill/scratch-apply.ts';
import type { DrillAim } from '../../backup/drill/target.ts';
import { inspectLineage, type LineageContents } from '../../backup/lineage-inspect.ts';
import { absentBackup } from '../../backup/restore/choose-backup.ts';
import { parseTarget } from '../../backup/restore/target.ts';
import { findServerPrograms, missingServerPrograms } from '../../postgres/programs.ts';
import { flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { openRepository, selectRepository } from '../open-repository.ts';
import { ownLineage } from '../own-lineage.ts';
import { recoveryTimeoutSeconds } from '../recovery-timeout.ts';
import { scratchPlaces } from '../scratch-places.ts';
import { drillAssertions } from './drill-assertions.ts';
import { keyToSignWith, printPublicKey, verifyReport } from './drill-report.ts';
import { printDrill, printUnstored } from './show-drill.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  if (flagOption(input, 'publicKey')) return await printPublicKey(context, input);
  if (textOption(input, 'verifyReport') !== undefined) return await verifyReport(context, input);
  if (flagOption(input, 'list')) return await (await import('./drill-list.ts')).listDrills(context, input);
  if (textOption(input, 'show') !== undefined) return await (await import('./drill-list.ts')).showDrill(context, input);
  const { output, clock, env } = context;
  const aim = aimOf(context, input);
  const timeoutSeconds = recoveryTimeoutSeconds(input);
  const { config, cluster } = await loadProject(context, input);
  const { name } = selectRepository(config, cluster, textOption(input, 'repository'));
  const assertions = await drillAssertions(context, input, cluster.name);
  const key = await keyToSignWith(context, input);
  const places = scratchPlaces(context, input);
  for (const left of await sweepScratch(places, clock.now())) context.log.info(`removed ${left}, which a drill that was killed had left`);
  const repository = await openRepository(context, selectRepository(config, cluster, name));
  try {
    const { systemIdentifier } = await ownLineage(input, cluster, repository);
    const startedAt = clock.now();
    const lineage = await inspectLineage(repository, cluster.name, systemIdentifier);
    refuseAbsent(lineage, textOption(input, 'backup'));
    const scratch = await makeScratch(places, neededBytes(lineage));
    const progress = output.progress('restoring');
    output.line(`drill of ${cluster.name} from ${name}   ${describeAim(aim)}   in ${scratch.directory}`);
    let drilled: Awaited<ReturnType<typeof runDrill>>;
    try {
      drilled = await runDrill({
        repository,
        clusterName: cluster.name,
        systemIdentifier,
        aim,
        backup: textOption(input, 'backup'),
        assertions,
        database: cluster.connection.database,
        roles: [cluster.connection.user, cluster.replication.user, 'postgres'],
        amcheck: flagOption(input, 'skipAmcheck') ? 'off' : flagOption(input, 'heapallindexed') ? 'heap-all-indexed' : 'on',
        scratch: scratch.directory,
        findPrograms: async (major) => (await findServerPrograms(major, env)) ?? refuse(missingServerPrograms(major)),
        timeoutSeconds,
        clock,
        signal: context.signal,
        onPhase: (phase) => context.log.debug(phase),
        onProgress: (done, total) => progress.update(done, total),
      });
    } finally {
      progress.end();
      await scratch.remove();
    }
    const subject = { tool: context.version, cluster: cluster.name, systemIdentifier, repository: name };
    const recorded = await recordDrill(repository, { ...subject, startedAt, finishedAt: clock.now() }, drilled, key);
    const { report, signed, unstored } = recorded;
    const file = textOption(input, 'report');
    if (unstored !== undefined) printUnstored(output, report);
    if (file !== undefined) await writeReportFile(path.resolve(context.cwd, file), recorded);
    if (unstored !== undefined) throw withoutReport(name, unstored);
    printDrill(output, report, signed.signature.publicKey);
    output.result(signed);
    return report.verdict === 'passed' ? 0 : IN_PART;
  } finally {
    await repository.store.close();
  }
}

function aimOf(context: CommandContext, input: CommandInput): DrillAim {
  const options = {
    to: textOption(input, 'to'),
    toLsn: textOption(input, 'toLsn'),
    toXid: textOption(input, 'toXid'),
    toName: textOption(input, 'toName'),
    toLatest: false,
    immediate: flagOption(input, 'immediate'),
  };
  const kind = textOption(input, 'target');
  const seed = textOption(input, 'seed');
  const given = Object.entries(options).find(([, value]) => value !== undefined && value !== false);
  if (given !== undefined) {
    if (kind !== undefined) throw new DbadminError('usage', 'a drill takes --target or a target of its own, not both');
    const asked = given[1] === true ? given[0] : `${given[0]} ${String(given[1])}`;
    return { kind: 'given', target: parseTarget(options, context.clock.now()), asked };
  }
  if (kind === 'random') return { kind: 'random', seed: seed ?? randomBytes(4).toString('hex') };
  if (seed !== undefined) throw new DbadminError('usage', '--seed goes with --target random');
  return { kind: 'latest' };
}

function describeAim(aim: DrillAim): string {
  if (aim.kind === 'random') return `to a random moment, seed ${aim.seed}`;
  return aim.kind === 'latest' ? 'to the latest' : aim.asked;
}

/** Room for the largest backup there is, with a tenth more for WAL and what the checks make. */
function neededBytes({ backups }: LineageContents): number {
  return Math.max(0, ...backups.map(({ plainBytes }) => plainBytes)) * 1.1;
}

/** A label typed wrong proves nothing and is no failed drill, of which everybody would be told. One whose manifest cannot be read is. */
function refuseAbsent({ backups, damaged }: LineageContents, label: string | undefined): void {
  const labels = [...backups.map((backup) => backup.label), ...damaged.map(({ key }) => key.slice(key.lastIndexOf('/') + 1))];
  if (label !== undefined && !labels.includes(label)) throw absentBackup(label);
}

/** The exit status is that of the storage: what the drill saw is printed, and nothing is proven by it. */
function withoutReport(name: string, { code, message, detail, hint, cause }: DbadminError): DbadminError {
  return new DbadminError(code, `the report of the drill could not be stored in ${name}: ${message}`, {
    detail: `Nothing is proven by it until one is stored.${detail === undefined ? '' : `\n${detail}`}`,
    hint,
    cause,
  });
}

async function writeReportFile(file: string, { signed, unstored }: RecordedDrill): Promise<void> {
  try {
    await writeFile(file, `${JSON.stringify(signed, undefined, 2)}\n`);
  } catch (error) {
    throw new DbadminError('file-unwritable', `cannot write ${file}`, {
      detail: `${messageOf(error)}. ${unstored === undefined ? 'The report is in the repository.' : `Nor is the report in the repository: ${unstored.message}.`}`,
      cause: error,
    });
  }
}

function refuse(error: DbadminError): never {
  throw error;
}
