import { formatDuration } from '../../base/durations.ts';
import { DbadminError, isDbadminError } from '../../base/errors.ts';
import { IN_PART } from '../../base/exit-status.ts';
import { openClient } from '../../postgres/client.ts';
import type { Finding } from '../../spotify/load/cleanse.ts';
import { encodingOf } from '../../spotify/load/encoding.ts';
import { isLoadable } from '../../spotify/load/formats.ts';
import { findSources, type LoadSource } from '../../spotify/load/inspect.ts';
import { finishLoad, LOADABLE_HINT, loadSource, refuseSource, type LoadResult } from '../../spotify/load/run.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { showMarts, wantsMarts } from './marts.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const [target = ''] = input.args;
  const { cluster } = await loadProject(context, input);
  const encoding = textOption(input, 'encoding');
  const sources = await findSources(target, {
    stdin: context.stdin,
    cwd: context.cwd,
    encoding: encoding === undefined ? undefined : encodingOf(encoding),
  });
  const { loadable, skipped, damaged } = split(sources);
  if (loadable.length === 0) throw nothingToLoad(target, sources);
  for (const { name, reason } of skipped) output.note(`left out: ${name} ${reason}`);
  const sql = await openClient(cluster.connection, { applicationName: 'dbadmin spotify load', jit: false, noDelay: true });
  try {
    const results: LoadResult[] = [];
    const failures: DbadminError[] = damaged.map((source) => refuseSource(source));
    for (const source of loadable) {
      try {
        results.push(await loadOne(context, input, sql, source));
      } catch (error) {
        // One bad file does not keep the others out; alone, it is the failure of the command.
        if (sources.length === 1 || !isDbadminError(error) || error.code !== 'load-failed') throw error;
        failures.push(error);
      }
    }
    const [failure] = failures;
    if (failure !== undefined && results.length === 0) throw failure;
    const { findings, marts } = await finishLoad(sql, { marts: wantsMarts(input) });
    report(context, results, findings);
    showMarts(context, marts);
    output.result({
      files: results.map((result) => ({ ...result, run: result.run ?? null, listener: result.listener ?? null })),
      skipped,
      refused: failures.map(({ message, detail }) => ({ message, detail: detail ?? null })),
      findings,
      marts,
    });
    for (const { message, hint } of failures) output.warn(hint === undefined ? message : `${message}\n${hint}`);
    return failures.length > 0 || marts.status === 'failed' ? IN_PART : 0;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

interface Skipped {
  readonly name: string;
  readonly reason: string;
}

/** A directory may hold other files: they are left out and named. A file that was named itself is refused. */
function split(sources: readonly LoadSource[]): {
  readonly loadable: readonly LoadSource[];
  readonly skipped: readonly Skipped[];
  readonly damaged: readonly LoadSource[];
} {
  return {
    loadable: sources.filter(({ recognised }) => isLoadable(recognised)),
    skipped: sources.flatMap(({ name, recognised }) =>
      recognised.kind === 'unknown' || recognised.kind === 'unsupported' ? [{ name, reason: recognised.reason }] : [],
    ),
    damaged: sources.filter(({ recognised }) => recognised.kind === 'damaged'),
  };
}

function nothingToLoad(target: string, sources: readonly LoadSource[]): DbadminError {
  const [only] = sources;
  if (only !== undefined && sources.length === 1) return refuseSource(only);
  return new DbadminError('load-failed', `nothing in ${target} can be loaded`, {
    detail:
      sources.map((source) => `${source.name} ${'reason' in source.recognised ? source.recognised.reason : ''}`).join('\n') ||
      'It holds no CSV, JSON or zip file.',
    hint: LOADABLE_HINT,
  });
}

async function loadOne(
  context: CommandContext,
  input: CommandInput,
  sql: Parameters<typeof loadSource>[0],
  source: LoadSource,
): Promise<LoadResult> {
  const progress = context.output.progress('receiving');
  try {
    return await loadSource(sql, source, {
      listener: textOption(input, 'listener'),
      signal: context.signal,
      onProgress: (from, doneBytes, rows) =>
        progress.update(doneBytes, from.sizeBytes === 0 ? undefined : from.sizeBytes, `${rows.toLocaleString('en')} rows`),
    });
  } finally {
    progress.end();
  }
}

function report({ output }: CommandContext, results: readonly LoadResult[], linked: readonly Finding[]): void {
  const right = (head: string): { head: string; align: 'right' } => ({ head, align: 'right' });
  const count = (value: number | undefined): string => (value === undefined ? '' : value.toLocaleString('en'));
  output.table(
    ['file', 'listener', right('received'), right('to core'), right('rejected'), right('took'), ''],
    results.map(({ name, listener, rowsReceived, status, receiveMs, run }) => [
      name,
      listener ?? '',
      count(rowsReceived),
      count(run?.rowsOut),
      count(run?.rowsRejected),
      formatDuration(receiveMs + (run?.tookMs ?? 0)),
      status === 'received' ? '' : status,
    ]),
  );
  const found = sumFindings([...results.flatMap(({ findings }) => findings), ...linked]);
  if (found.length > 0)
    output.table(
      ['rule', 'finding', right('found')],
      found.map(({ rule, finding, found: times }) => [rule, finding, count(times)]),
    );
}

/** One line per rule and finding, over all files. */
function sumFindings(findings: readonly Finding[]): readonly Finding[] {
  const sums = new Map<string, Finding>();
  for (const each of findings) {
    const key = `${each.rule} ${each.finding}`;
    sums.set(key, { ...each, found: each.found + (sums.get(key)?.found ?? 0) });
  }
  return [...sums.values()].filter(({ found }) => found > 0);
}
