import os from 'node:os';
import path from 'node:path';
import { DbadminError } from '../../base/errors.ts';
import { formatBytes } from '../../base/bytes.ts';
import { formatDuration } from '../../base/durations.ts';
import { makeScratch, sweepScratch } from '../../backup/drill/scratch-apply.ts';
import { backIfRenamed, describeEntry, notErased } from '../../backup/reconcile/describe.ts';
import type { Reconciled } from '../../backup/reconcile/apply.ts';
import { restoredPosition } from '../../backup/reconcile/position.ts';
import { isErasure, returningIfRenamed, returningWith, returningWithTables } from '../../backup/reconcile/returning.ts';
import { describeWal, inspectRestore, type Preflight } from '../../backup/restore/inspect.ts';
import { describeBrokenAside } from '../../backup/broken.ts';
import { describeSuspicion } from '../../backup/suspicion.ts';
import { unsummedPagesOf } from '../../backup/unsummed-pages.ts';
import { parseTarget } from '../../backup/restore/target.ts';
import { inspectDatabases, refuseAbsent } from '../../backup/table/absent-inspect.ts';
import { qualified } from '../../backup/table/definition.ts';
import { withThrowawayCluster } from '../../backup/table/throwaway-run.ts';
import { refuseTransfer, transferTables, type TableName } from '../../backup/table/transfer-run.ts';
import { connectionOfUrl } from '../../config/load.ts';
import { describeParameters, type ConnectionParameters } from '../../postgres/parameters.ts';
import { findServerPrograms, missingServerPrograms } from '../../postgres/programs.ts';
import type { LedgerEntry } from '../../repository/ledger.ts';
import type { DamagedObject } from '../../repository/passed-over.ts';
import { damagedJson } from '../backup/recovery-json.ts';
import { tableArgument } from '../backup/table-argument.ts';
import { flagOption, listOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { openRepository, selectRepository } from '../open-repository.ts';
import { confirmOrStop, type Output } from '../output.ts';
import { timelineOption } from '../timeline-option.ts';
import { eraseFirst } from './erase-first.ts';
import { entryJson } from './ledger-list.ts';
import { returningByAll } from './other-ledgers.ts';
import { readableLedger } from './readable-ledger.ts';
import { targetOptions } from './restore-options.ts';
import { describeTarget } from './show-restore.ts';

const START_TIMEOUT_SECONDS = 24 * 3600;

/** `dbadmin restore --table`: tables as they were, through a throw-away cluster, into a new schema. */
export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock, signal, env } = context;
  const tables = listOption(input, 'table').flatMap(splitTables).map(tableArgument);
  refuseTwice(tables);
  const now = clock.now();
  const target = parseTarget(targetOptions(input), now);
  const timeline = timelineOption(input);
  const { config, cluster } = await loadProject(context, input);
  const url = textOption(input, 'intoUrl');
  const into = url === undefined ? cluster.connection : connectionOfUrl(context, url);
  const database = textOption(input, 'database') ?? cluster.connection.database;
  const schema = textOption(input, 'schema') ?? schemaOf(now);
  const reconciles = flagOption(input, 'reconcile');
  const repository = selectRepository(config, cluster, textOption(input, 'repository'));
  const opened = await openRepository(context, repository);
  const place = textOption(input, 'spool') ?? os.tmpdir();
  const scratch = await makeScratch([place], 0, '--spool');
  try {
    const preflight = await inspectRestore({
      repository: opened,
      clusterName: cluster.name,
      systemIdentifier: textOption(input, 'systemIdentifier'),
      target,
      exclusive: flagOption(input, 'exclusive'),
      backup: textOption(input, 'backup'),
      acceptsSuspect: flagOption(input, 'acceptSuspect'),
      passesOverDamaged: true,
      timeline,
      dataDirectory: path.join(scratch.directory, 'data'),
      tablespaces: new Map(),
    });
    const lineage = preflight.contents.cluster.systemIdentifier;
    const { entries, damaged } = await readableLedger(opened, lineage, listOption(input, 'withoutLedgerEntry'));
    const from = { config, cluster, repository, opened, systemIdentifier: lineage };
    const { returning: erasures, unreadLedgers } = await returningByAll(context, from, entries, (all) =>
      returningWith(restoredPosition(preflight), all).filter(isErasure),
    );
    const returning = returningWithTables(database, erasures);
    showPlan(output, { tables, database, preflight, directory: scratch.directory, into, schema });
    showReturning(output, returning, damaged, reconciles);
    const result = {
      tables: tables.map((table) => ({ from: table, to: { schema, name: table.name }, rows: null, renamed: [] })),
      target: describeParameters(into),
      returning: returning.map(entryJson),
      withoutEntries: damagedJson(damaged),
      unreadLedgers,
      reconciled: null,
      returningIfRenamed: null,
    };
    await refuseTransfer(into, tables, schema);
    if (flagOption(input, 'dryRun')) {
      output.result({ ...result, restored: false });
      return 0;
    }
    const major = Math.floor(preflight.resolution.backup.serverVersion / 10_000);
    const programs = await findServerPrograms(major, env);
    if (programs === undefined) throw missingServerPrograms(major);
    await confirmOrStop(output, 'Restore?');
    for (const left of await sweepScratch([place], clock.now())) context.log.info(`removed ${left}, which a run that was killed had left`);
    const progress = output.progress('restoring');
    const roles = [cluster.connection.user, 'postgres', env['USER'] ?? 'postgres'];
    const onProgress = (done: number, total: number): void => progress.update(done, total);
    const { reconciled, renamed, transferred } = await withThrowawayCluster(
      { preflight, programs, roles, timeoutSeconds: START_TIMEOUT_SECONDS, clock, signal, onProgress },
      async (superuser) => {
        await refuseAbsent(superuser, database, tables, describeTarget(target));
        return {
          renamed: returningIfRenamed(await inspectDatabases(superuser), erasures),
          reconciled: reconciles ? await eraseFirst(superuser, returning) : undefined,
          transferred: await transferTables({ ...superuser, database }, into, tables, schema, signal),
        };
      },
    ).finally(() => progress.end());
    for (const { entry, outcome } of reconciled ?? []) {
      if (outcome === 'undone') output.line(`  erased     ${describeEntry(entry)}`);
      else output.warn(notErased(entry));
    }
    for (const entry of renamed) output.warn(backIfRenamed(entry, database));
    for (const { to, rows, renamed: indexes } of transferred) {
      output.line(`  made       ${qualified(to.schema, to.name)}   ${rows} rows`);
      for (const index of indexes) output.line(`  renamed    index ${index.from} is ${index.to} there: its name was taken`);
    }
    output.line(
      `done in ${formatDuration(clock.now().getTime() - now.getTime())}; no defaults, triggers, privileges or foreign keys came with them`,
    );
    output.result({
      ...result,
      tables: transferred,
      reconciled: reconciled?.map(reconciledJson) ?? null,
      returningIfRenamed: renamed.map(entryJson),
      restored: true,
    });
    return 0;
  } finally {
    await scratch.remove();
    await opened.store.close();
  }
}

/** All go into one schema, where a name is one table's. */
function refuseTwice(tables: readonly TableName[]): void {
  const first = new Map<string, TableName>();
  for (const table of tables) {
    const other = first.get(table.name);
    first.set(table.name, table);
    if (other === undefined) continue;
    const [one, two] = [other, table].map(({ schema, name }) => qualified(schema, name));
    if (one === two) throw new DbadminError('usage', `${one} is named twice`);
    throw new DbadminError('usage', `${one} and ${two} have the same name, and would come into one schema`, {
      hint: 'Restore them one after the other, each with a --schema of its own.',
    });
  }
}

interface Plan {
  readonly tables: readonly TableName[];
  readonly database: string;
  readonly preflight: Preflight;
  readonly directory: string;
  readonly into: ConnectionParameters;
  readonly schema: string;
}

function showPlan(output: Output, { tables, database, preflight, directory, into, schema }: Plan): void {
  const { backup } = preflight.resolution;
  output.line(`tables     ${tables.map((table) => qualified(table.schema, table.name)).join(', ')} of ${database}`);
  output.line(`backup     ${backup.label}, ${formatBytes(preflight.layout.totalBytes)}, through a throw-away cluster in ${directory}`);
  for (const aside of preflight.brokenAside) output.warn(describeBrokenAside(aside));
  if (preflight.suspicion !== undefined) output.warn(`backup ${backup.label} is suspect. ${describeSuspicion(preflight.suspicion)}`);
  const unsummed = unsummedPagesOf(backup, preflight.contents.backups);
  if (unsummed !== undefined) output.warn(unsummed);
  output.line(`wal        ${describeWal(preflight)}`);
  output.line(`into       schema ${schema} of ${describeParameters(into)}`);
}

/** Whether these tables hold anything of who was erased since, only the procedure knows that erases. */
function showReturning(output: Output, returning: readonly LedgerEntry[], damaged: readonly DamagedObject[], reconciles: boolean): void {
  if (returning.length > 0) {
    output.line(`may come back with them: ${returning.map(describeEntry).join(', ')}`);
    output.line(
      `           --reconcile ${reconciles ? 'erases' : 'would erase'} them in the throw-away cluster, before anything is copied`,
    );
  }
  for (const { key } of damaged)
    output.line(output.style('bad', `UNKNOWN    may come back too: whom ${key} erased, if anybody; it cannot be read`));
}

function reconciledJson({ entry, outcome }: Reconciled): object {
  return { kind: entry.deed.kind, text: describeEntry(entry), outcome };
}

function schemaOf(now: Date): string {
  return `restored_${now
    .toISOString()
    .replace(/[-:]|\.\d+/g, '')
    .toLowerCase()}`;
}

/** `a.b,c.d`, where a comma within quotes is part of a name. */
function splitTables(text: string): readonly string[] {
  return [...text.matchAll(/(?:"(?:[^"]|"")*"|[^",])+/g)].map(([name]) => name.trim());
}
