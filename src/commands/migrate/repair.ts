import { DbadminError } from '../../base/errors.ts';
import { formatBytes } from '../../base/bytes.ts';
import { parseDuration } from '../../base/durations.ts';
import { ensureHistory } from '../../migrate/history/ensure.ts';
import { inspectServer } from '../../migrate/session/inspect-server.ts';
import { observe, readFiles } from '../../migrate/inspect.ts';
import { describeRemedy, findInvalidIndexes, type InvalidIndex } from '../../migrate/repair/indexes-inspect.ts';
import { planRepair, type Repair } from '../../migrate/repair/plan.ts';
import { applyRepair, healIndexes, healingError, underLock, type HealedIndex } from '../../migrate/repair/run.ts';
import type { LockOptions } from '../../migrate/session/lock.ts';
import { durationOption, flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { confirmOrStop } from '../output.ts';
import { gitCommit } from './git-commit.ts';
import { count, loadMigrations, withSession, type MigrateProject } from './load-migrations.ts';
import { reasonOf } from './reason.ts';

const KINDS = ['accept', 'forget', 'undone'] as const;
const MOST_LINES = 40;

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const project = await loadMigrations(context, input);
  const repair = repairOf(input);
  return repair === undefined ? await mendIndexes(context, input, project) : await decide(context, input, project, repair);
}

function repairOf(input: CommandInput): Repair | undefined {
  const given = KINDS.flatMap((kind) => {
    const version = textOption(input, kind);
    return version === undefined ? [] : [{ kind, version }];
  });
  if (given.length > 1) throw new DbadminError('usage', 'one repair at a time: --accept, --forget or --undone');
  return given[0];
}

/** Writes a decision about one version into the history. */
async function decide(context: CommandContext, input: CommandInput, project: MigrateProject, repair: Repair): Promise<number> {
  const { output } = context;
  const reason = reasonOf(input.args, `repair --${repair.kind} ${repair.version}`);
  const { schema } = project.config.migrate;
  const files = await readFiles(project.directories);
  const planned = await withSession(context, project, async (session) => planRepair(repair, await observe(session, schema, files)));
  for (const line of planned.diff.slice(0, MOST_LINES)) output.line(`  ${line}`);
  if (planned.diff.length > MOST_LINES) output.line(`  … ${planned.diff.length - MOST_LINES} more lines`);
  output.line(planned.outcome);
  await confirmOrStop(output, 'Write this into the history?');
  const commit = await gitCommit(project.directories.project);
  const runId = await withSession(context, project, async (session) => {
    const { user, database } = await inspectServer(session);
    return await underLock(session, lockOptions(context, input), async () => {
      await ensureHistory(session, schema, { user, database, toolVersion: context.version });
      // Under the lock nothing changes any more: planned again, in case something did since.
      const now = planRepair(repair, await observe(session, schema, files));
      return await applyRepair(session, now, { schema, toolVersion: context.version, gitCommit: commit, reason });
    });
  });
  output.line(`recorded: ${reason}`);
  output.result({ runId, kind: repair.kind, version: planned.row.version, outcome: planned.outcome, reason, indexes: [] });
  return 0;
}

/** Lists the indexes that an interrupted build left, and mends them. */
async function mendIndexes(context: CommandContext, input: CommandInput, project: MigrateProject): Promise<number> {
  const { output, signal } = context;
  if (input.args.length > 0)
    throw new DbadminError('usage', `"${input.args.join(' ')}" is a reason without --accept, --forget or --undone`);
  const healed = await withSession(context, project, async (session) => {
    const found = chosen(await findInvalidIndexes(session), flagOption(input, 'dropInvalid'));
    if (found.length === 0) return [];
    output.line(`${count(found.length, 'index is', 'indexes are')} INVALID: kept up to date by every write, used by no query`);
    for (const each of found) {
      const size = formatBytes(each.sizeBytes);
      output.line(`  ${each.name}${each.isUnique ? ' (unique)' : ''} on ${each.table}   ${size}   ${describeRemedy(each)}`);
    }
    await confirmOrStop(output, 'Do this?');
    return await underLock(session, lockOptions(context, input), async () => {
      const now = new Set((await findInvalidIndexes(session)).map(({ sql }) => sql));
      return await healIndexes(
        session,
        found.filter(({ sql }) => now.has(sql)),
        signal,
      );
    });
  });
  report(context, healed);
  const failure = healingError(healed);
  if (failure !== undefined) throw failure;
  return 0;
}

function chosen(found: readonly InvalidIndex[], drop: boolean): readonly InvalidIndex[] {
  return drop ? found.map((each) => ({ ...each, remedy: 'drop' as const })) : found;
}

function report({ output }: CommandContext, healed: readonly HealedIndex[]): void {
  if (healed.length === 0) {
    output.line('no index is INVALID; nothing to mend');
    output.note(
      'For a file that changed: --accept VERSION. For one that is gone: --forget VERSION. For one undone by hand: --undone VERSION.',
    );
  }
  for (const { index, did } of healed) output.line(`  ${index}   ${did}`);
  output.result({
    runId: null,
    kind: 'indexes',
    version: null,
    outcome: null,
    reason: null,
    indexes: healed.map((each) => ({ ...each, failure: each.failure ?? null })),
  });
}

function lockOptions({ clock, log, signal }: CommandContext, input: CommandInput): LockOptions {
  return { waitMs: durationOption(input, 'lockWait') ?? parseDuration('5m'), clock, random: Math.random, log, signal };
}
