import { formatDuration } from '../../base/durations.ts';
import { DbadminError } from '../../base/errors.ts';
import { openClient } from '../../postgres/client.ts';
import { finishLoad, findSources, loadSource, refuseSource, type LoadResult, type LoadSource } from '../../spotify/load/run.ts';
import type { Finding } from '../../spotify/load/cleanse.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const [target = ''] = input.args;
  const { cluster } = await loadProject(context, input);
  const sources = await findSources(target, context.stdin, context.cwd);
  const { loadable, skipped } = split(sources);
  if (loadable.length === 0) throw nothingToLoad(target, sources);
  for (const { name, reason } of skipped) output.note(`left out: ${name} ${reason}`);
  const sql = await openClient(cluster.connection, { applicationName: 'dbadmin spotify load' });
  try {
    const results: LoadResult[] = [];
    for (const source of loadable) results.push(await loadOne(context, input, sql, source));
    const findings = await finishLoad(sql);
    report(context, results, findings);
    output.result({
      files: results.map((result) => ({ ...result, run: result.run ?? null, listener: result.listener ?? null })),
      skipped,
      findings,
    });
    return 0;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

interface Skipped {
  readonly name: string;
  readonly reason: string;
}

/** A directory may hold other files: they are left out and named. A file that was named itself is refused. */
function split(sources: readonly LoadSource[]): { readonly loadable: readonly LoadSource[]; readonly skipped: readonly Skipped[] } {
  const isLoadable = (source: LoadSource): boolean => source.recognised.kind === 'songs' || source.recognised.kind === 'streaming_history';
  return {
    loadable: sources.filter(isLoadable),
    skipped: sources.flatMap((source) => ('reason' in source.recognised ? [{ name: source.name, reason: source.recognised.reason }] : [])),
  };
}

function nothingToLoad(target: string, sources: readonly LoadSource[]): DbadminError {
  const [only] = sources;
  if (only !== undefined && sources.length === 1) return refuseSource(only);
  return new DbadminError('load-failed', `nothing in ${target} can be loaded`, {
    detail:
      sources.map((source) => `${source.name} ${'reason' in source.recognised ? source.recognised.reason : ''}`).join('\n') ||
      'It holds no CSV or JSON file.',
    hint: 'Songs files (CSV) and streaming histories (StreamingHistory*.json) can be loaded.',
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
