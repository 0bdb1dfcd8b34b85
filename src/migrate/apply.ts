import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runner, type RunnerOption } from 'node-pg-migrate';
import { DbadminError, isDbadminError } from '../base/errors.ts';
import { FileRun, type ApplyContext, type AppliedFile } from './file-run.ts';
import type { PendingMigration } from './plan.ts';
import { pauseOrThrow } from './session/retry.ts';

/**
 * Applies versioned files in their order, each in its own transaction, by node-pg-migrate. This is the only file that knows it.
 *
 * The runner decides what runs when and where BEGIN and COMMIT stand. Our loader hands it the files already cut into
 * statements; our database client gives each of its messages the meaning it has here, so that "mark as run" is the row in our
 * history, in the same transaction, and there is no second history beside it. Of its own files, lock, order check and table
 * nothing is used. A file that lost against another session's lock is tried again as a whole; those before it stay applied.
 *
 * @throws {DbadminError} `migration-failed`, `connection-failed`; what was applied before stays applied and recorded.
 */
export async function applyVersioned(
  pending: readonly PendingMigration[],
  context: ApplyContext,
  onApplied: (file: AppliedFile) => void,
): Promise<void> {
  const runs = pending.map((migration) => new FileRun(migration, context));
  if (pending.length === 0) return;
  for (;;) {
    const left = runs.filter((run) => run.applied === undefined);
    try {
      await runLeft(left, context, onApplied);
      if (left.every((run) => run.applied !== undefined)) return;
      throw new DbadminError('internal', 'node-pg-migrate ended before every file was applied');
    } catch (error) {
      const failed = left.find((run) => run.applied === undefined);
      const failure = failed === undefined ? error : failed.describe(error);
      await failed?.settled();
      if (context.session.inTransaction()) await context.session.query('rollback').catch(() => undefined);
      if (context.signal.aborted) throw interruption(failed, context);
      if (failed?.forgot(error) === true) continue;
      if (failed === undefined) throw failure;
      await pauseOrThrow(failure, failed.attempts, failed.path, context);
      failed.lostToLocks();
    }
  }
}

/** Why the run was stopped, with what is left of the file that it stopped in; unknown where the connection is gone. */
function interruption(stopped: FileRun | undefined, { signal, session }: ApplyContext): unknown {
  const reason: unknown = signal.reason;
  if (stopped === undefined || !isDbadminError(reason, 'interrupted') || session.lost() !== undefined) return reason;
  return stopped.withRemains(new DbadminError('interrupted', reason.message, { detail: `It stopped in ${stopped.path}.`, cause: reason }));
}

async function runLeft(runs: readonly FileRun[], context: ApplyContext, onApplied: (file: AppliedFile) => void): Promise<void> {
  const steps = new Map<string, () => Promise<void>>();
  // Numbers for names: the runner sorts by them, and puts names into SQL without quoting.
  const names = new Map(runs.map((run, index) => [String(index + 1).padStart(6, '0'), run]));
  const loader: Loader = async () =>
    await Promise.resolve(
      [...names].map(([name, run]) => ({
        id: `/${name}.sql`,
        filePaths: [`/${name}.sql`],
        actions: {
          down: false as const,
          up: (pgm: { noTransaction(): unknown; sql(text: string): unknown }) => {
            if (!run.transaction) pgm.noTransaction();
            for (const [number, step] of run.steps().entries()) {
              steps.set(`step ${name}/${number};`, step);
              pgm.sql(`step ${name}/${number};`);
            }
          },
        },
      })),
    );
  const following = new Map(runs.map((run, index) => [run, runs[index + 1]]));
  let current: FileRun | undefined;
  const finish = (run: FileRun): void => {
    if (run.applied !== undefined) onApplied(run.applied);
  };
  const answer = async (text: string): Promise<readonly object[]> => {
    const step = steps.get(text);
    const marked = /^INSERT INTO "[^"]+"\."[^"]+" \(name, run_on\) VALUES \('(\d+)', NOW\(\)\);$/.exec(text)?.[1];
    if (step !== undefined) {
      const name = text.slice('step '.length, text.indexOf('/'));
      current = names.get(name);
      await step();
    } else if (text === 'BEGIN;') await Promise.resolve();
    else if (text === 'COMMIT;') {
      if (current === undefined) return [];
      await current.commit(following.get(current));
      finish(current);
    } else if (marked !== undefined) {
      const run = names.get(marked);
      await run?.record();
      if (run?.transaction === false) finish(run);
    } else if (text.startsWith('SELECT table_name FROM information_schema.tables')) return [{ table_name: 'migration_history' }];
    else if (text.startsWith('SELECT constraint_name FROM information_schema.table_constraints')) return [{ constraint_name: 'primary' }];
    else if (!text.startsWith('SELECT name FROM')) {
      throw new DbadminError('internal', 'node-pg-migrate said something that dbadmin does not know', { detail: text.slice(0, 200) });
    }
    return [];
  };
  await runner({
    dbClient: {
      query: async (query: string | { readonly text: string }) => {
        context.signal.throwIfAborted();
        return { rows: await answer(typeof query === 'string' ? query : query.text) };
      },
    } as never,
    // It calls no loader unless it finds a file, and the files of what is undone may be gone: it finds this one, and reads it not.
    dir: path.dirname(THIS_FILE),
    ignorePattern: `(?!${path.basename(THIS_FILE).replace('.', '\\.')}$).*`,
    direction: 'up',
    migrationsTable: 'migration_history',
    migrationsSchema: context.run.schema,
    noLock: true,
    checkOrder: false,
    singleTransaction: false,
    verbose: false,
    logger: SILENT,
    migrationLoaderStrategies: [{ extensions: [path.extname(THIS_FILE)], loader }],
  });
}

/** The runner's type for a function that loads files; the package does not export it by name. */
type Loader = Extract<NonNullable<RunnerOption['migrationLoaderStrategies']>[number]['loader'], (...args: never[]) => unknown>;

const THIS_FILE = fileURLToPath(import.meta.url);

const SILENT = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
