import os from 'node:os';
import { formatDuration } from '../../base/durations.ts';
import { IN_PART } from '../../base/exit-status.ts';
import type { AppliedGlobals } from '../../backup/dump/globals-apply.ts';
import { chooseNames } from '../../backup/dump/choose-names.ts';
import { describeDump } from '../../backup/dump/extent.ts';
import { restoreDump, type RestoredDatabase } from '../../backup/dump/restore-run.ts';
import { returningWithDump } from '../../backup/dump/returning.ts';
import { readDumpManifest } from '../../backup/dump/stored-dump.ts';
import { describeEntry } from '../../backup/reconcile/describe.ts';
import { inspectLineage } from '../../backup/lineage-inspect.ts';
import { connectionOfUrl } from '../../config/load.ts';
import { describeParameters } from '../../postgres/parameters.ts';
import { findClientProgram, wantedFor } from '../../postgres/programs.ts';
import { quoteName } from '../../postgres/quote.ts';
import { flagOption, listOption, textOption, wholeNumberOption, type CommandContext, type CommandInput } from '../command.ts';
import { warnOfLeft, warnOfRemoved } from '../removed-spools.ts';
import { loadProject } from '../load-project.ts';
import { openRepository, selectRepository } from '../open-repository.ts';
import { confirmOrStop, type Output } from '../output.ts';
import { entryJson } from './ledger-list.ts';
import { returningByAll } from './other-ledgers.ts';
import { readableLedger } from './readable-ledger.ts';

/** `dbadmin restore --dump LABEL`: databases of a logical dump into new databases. */
export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock, env } = context;
  const jobs = wholeNumberOption(input, 'jobs', 1, 64) ?? Math.min(4, os.availableParallelism());
  const { config, cluster } = await loadProject(context, input);
  const repository = selectRepository(config, cluster, textOption(input, 'repository'));
  const opened = await openRepository(context, repository);
  try {
    const systemIdentifier = textOption(input, 'systemIdentifier') ?? (await inspectLineage(opened, cluster.name)).cluster.systemIdentifier;
    const manifest = await readDumpManifest(opened, `${systemIdentifier}/`, textOption(input, 'dump') ?? '');
    const databases = chooseNames(manifest, listOption(input, 'databases'), listOption(input, 'name'));
    const url = textOption(input, 'intoUrl');
    const parameters = url === undefined ? cluster.connection : connectionOfUrl(context, url);
    const program = await findClientProgram('pg_restore', wantedFor(parameters, Number.parseInt(manifest.programVersion, 10)), env);
    output.line(`${manifest.label} of ${manifest.startedAt} → ${describeParameters(parameters)}`);
    for (const line of describeDump(manifest)) output.line(`  ${line}`);
    for (const [database, name] of databases) output.line(`  ${database} → ${name}   a new database`);
    const globals = flagOption(input, 'globals');
    if (globals) output.line('  roles that are not there are made first; a role that is there stays as it is, and no role gets a password');
    const choice = { databases: [...databases.keys()], globals };
    const ledger = await readableLedger(opened, systemIdentifier, listOption(input, 'withoutLedgerEntry'));
    const from = { config, cluster, repository, opened, systemIdentifier };
    const { returning: entries, unreadLedgers } = await returningByAll(context, from, ledger.entries, (all) =>
      returningWithDump(manifest, choice, all),
    );
    for (const { key } of ledger.damaged)
      output.line(output.style('bad', `UNKNOWN may come back too: what ${key} took away, which cannot be read`));
    if (entries.length > 0) {
      output.line(`will come back with it: ${entries.map(describeEntry).join(', ')}`);
      output.line('  nothing takes them away again: do that before anyone uses the restored databases');
    }
    const returning = entries.map(entryJson);
    const what = { dump: manifest.label, selection: manifest.selection ?? null, leftOut: manifest.leftOut ?? null };
    if (flagOption(input, 'dryRun')) {
      const planned = [...databases].map(([database, name]) => ({ database, name }));
      output.result({ ...what, databases: planned, returning, unreadLedgers, restored: null });
      return 0;
    }
    await confirmOrStop(output, 'Restore?');
    const startedAt = clock.now().getTime();
    const restored = await restoreDump({
      repository: opened,
      manifest,
      databases,
      globals,
      parameters,
      program,
      jobs,
      env,
      spoolDirectory: textOption(input, 'spool') ?? os.tmpdir(),
      signal: context.signal,
      onRemoved: (spools) => warnOfRemoved(context, spools),
      onLeft: (spools) => warnOfLeft(context, spools),
      onUnfinished: (names) => warnOfUnfinished(context, names),
      onGlobals: (applied) => showGlobals(output, applied),
      onDatabase: (database) => showDatabase(context, database),
    });
    output.line(`done in ${formatDuration(clock.now().getTime() - startedAt)}, by pg_restore ${program.version}`);
    output.result({ ...what, databases: restored.databases, returning, unreadLedgers, restored });
    return restored.databases.every(({ notApplied }) => notApplied.length === 0) ? 0 : IN_PART;
  } finally {
    await opened.store.close();
  }
}

function warnOfUnfinished({ log }: CommandContext, names: readonly string[]): void {
  for (const name of names) {
    log.warn(
      `database ${name} is of a restore that did not come to its end, and may be half of one; unless a restore is at work on it or said that it is whole: DROP DATABASE ${quoteName(name)};`,
    );
  }
}

function showGlobals(output: Output, { applied, kept, leftOut }: AppliedGlobals): void {
  const there = [...kept.roles, ...kept.tablespaces.map((name) => `tablespace ${name}`)];
  output.line(`  globals    ${applied} statements; left as they are: ${there.length === 0 ? 'none was there' : there.join(', ')}`);
  for (const statement of leftOut) output.line(`  not given  ${statement}`);
}

function showDatabase({ output, log }: CommandContext, { name, hasProperties, notApplied, newSchemas }: RestoredDatabase): void {
  output.line(`  restored   ${name}`);
  for (const { statement, reason } of notApplied) output.line(`  not done   ${statement}: ${reason}`);
  if (newSchemas.length > 0)
    output.line(
      `  schemas    ${newSchemas.join(', ')}: made for the tables, with owner and privileges of new ones; the dump does not have them`,
    );
  if (hasProperties) return;
  log.warn(`the dump does not know owner, privileges, settings, encoding and locale of the database: ${name} has those of a new one`);
}
