import os from 'node:os';
import { formatDuration } from '../../base/durations.ts';
import { IN_PART } from '../../base/exit-status.ts';
import type { AppliedGlobals } from '../../backup/dump/globals-apply.ts';
import { chooseNames } from '../../backup/dump/choose-names.ts';
import { restoreDump, type RestoredDatabase } from '../../backup/dump/restore-run.ts';
import { connectionOfUrl } from '../../config/load.ts';
import { describeParameters } from '../../postgres/parameters.ts';
import { findClientProgram, wantedFor } from '../../postgres/programs.ts';
import { quoteName } from '../../postgres/quote.ts';
import { flagOption, listOption, textOption, wholeNumberOption, type CommandContext, type CommandInput } from '../command.ts';
import { warnOfLeft, warnOfRemoved } from '../removed-spools.ts';
import { confirmOrStop, type Output } from '../output.ts';
import { showDump, showReturning, withFoundDump } from './found-dump.ts';

const WORDS = {
  returns: 'will come back with it',
  advice: 'nothing takes them away again: do that before anyone uses the restored databases',
};

/** `dbadmin restore --dump LABEL`: databases of a logical dump into new databases. */
export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock, env } = context;
  const jobs = wholeNumberOption(input, 'jobs', 1, 64) ?? Math.min(4, os.availableParallelism());
  return await withFoundDump(context, input, async (found) => {
    const { cluster, opened, manifest } = found;
    const databases = chooseNames(manifest, listOption(input, 'databases'), listOption(input, 'name'));
    const url = textOption(input, 'intoUrl');
    const parameters = url === undefined ? cluster.connection : connectionOfUrl(context, url);
    const program = await findClientProgram('pg_restore', wantedFor(parameters, Number.parseInt(manifest.programVersion, 10)), env);
    const what = showDump(context, manifest, describeParameters(parameters));
    for (const [database, name] of databases) output.line(`  ${database} → ${name}   a new database`);
    const globals = flagOption(input, 'globals');
    if (globals) output.line('  roles that are not there are made first; a role that is there stays as it is, and no role gets a password');
    const back = await showReturning(context, input, found, { databases: [...databases.keys()], globals }, WORDS);
    if (flagOption(input, 'dryRun')) {
      const planned = [...databases].map(([database, name]) => ({ database, name }));
      output.result({ ...what, databases: planned, ...back, restored: null });
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
    output.result({ ...what, databases: restored.databases, ...back, restored });
    return restored.databases.every(({ notApplied }) => notApplied.length === 0) ? 0 : IN_PART;
  });
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
