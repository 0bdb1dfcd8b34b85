import { DbadminError, isDbadminError } from '../../base/errors.ts';
import { IN_PART } from '../../base/exit-status.ts';
import { openClient } from '../../postgres/client.ts';
import { ApiClient } from '../../spotify/api/run.ts';
import { signInPlaces, writeSignIn } from '../../spotify/auth/sign-in-apply.ts';
import { fetchCovers } from '../../spotify/fetch/covers-run.ts';
import { Landing } from '../../spotify/fetch/landing-apply.ts';
import { FETCH_KINDS, type FetchKind } from '../../spotify/fetch/page-set.ts';
import { fetchKind, recover, type Fetching, type FetchResult } from '../../spotify/fetch/run.ts';
import { cleanseBatch } from '../../spotify/load/cleanse.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { finishLoad } from '../../spotify/load/run.ts';
import type { MartsOutcome } from '../../spotify/load/marts.ts';
import { loadProject } from '../load-project.ts';
import { openLanding } from './landing-place.ts';
import { showMarts, wantsMarts } from './marts.ts';
import { askingOf, chooseSignIn } from './sign-ins.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const kinds = kindsOf(input.args);
  const places = signInPlaces(context.env, context.cwd);
  const signedIn = await chooseSignIn(context, places, textOption(input, 'listener'));
  const { config, cluster } = await loadProject(context, input);
  const place = await openLanding(context, input, config, cluster);
  const sql = await openClient(cluster.connection, { applicationName: 'dbadmin spotify fetch', jit: false });
  try {
    const client = new ApiClient(signedIn, askingOf(context), async (changed) => await writeSignIn(places, changed));
    const cleanse = async (batchId: string, name: string): Promise<void> => void (await cleanseBatch(sql, 'page', batchId, name));
    const { clock, log } = context;
    const fetching: Fetching = { sql, client, clock, log, cleanse, landing: new Landing(place, signedIn.listener) };
    const results = [...(await recover(fetching))];
    let pictures: Pictures | undefined;
    try {
      for (const kind of kinds) {
        if (kind === 'covers') pictures = await covers(context, input, fetching);
        else await fetchInto(results, fetching, kind, kinds.length === 1);
      }
    } catch (error) {
      // What came before it stays, and is shown; the failure that is told is this one.
      showSets(context, results);
      showMarts(context, await finish(sql, input, results).catch(() => ({ status: 'skipped' }) as const));
      throw error;
    }
    const marts = await finish(sql, input, results);
    report(context, results, pictures, marts);
    const isRefused = results.some(({ status, unit, kind }) => status === 'refused' && unit === kind);
    return isRefused || marts.status === 'failed' ? IN_PART : 0;
  } finally {
    await sql.end({ timeout: 5 });
    await place.store.close();
  }
}

/** Where nothing came there is nothing to finish. */
async function finish(sql: Fetching['sql'], input: CommandInput, results: readonly FetchResult[]): Promise<MartsOutcome> {
  if (results.every(({ batchId }) => batchId === undefined)) return { status: 'skipped' };
  return (await finishLoad(sql, { marts: wantsMarts(input) })).marts;
}

/** One kind that Spotify does not give does not stop the others; the only one does. */
async function fetchInto(results: FetchResult[], fetching: Fetching, kind: FetchKind, isOnly: boolean): Promise<void> {
  try {
    for await (const result of fetchKind(fetching, kind)) results.push(result);
  } catch (error) {
    if (isOnly || !isDbadminError(error, 'api-refused')) throw error;
    results.push({ kind, unit: kind, status: 'refused', pages: 0, items: 0, batchId: undefined, gap: undefined, reason: error.message });
  }
}

type Wanted = FetchKind | 'covers';
const EVERYTHING: readonly Wanted[] = [...FETCH_KINDS, 'covers'];

function kindsOf(args: readonly string[]): readonly Wanted[] {
  if (args.includes('all')) return EVERYTHING;
  return [...new Set(args)].map((name) => {
    const kind = EVERYTHING.find((each) => each === name);
    if (kind === undefined)
      throw new DbadminError('usage', `${name} cannot be fetched`, { hint: `There are ${EVERYTHING.join(', ')}, and all.` });
    return kind;
  });
}

interface Pictures {
  readonly kept: number;
  readonly failed: number;
}

async function covers(context: CommandContext, input: CommandInput, { sql, client }: Fetching): Promise<Pictures> {
  const limit = Number(textOption(input, 'covers') ?? '200');
  if (!Number.isSafeInteger(limit) || limit < 1) throw new DbadminError('usage', '--covers takes a positive whole number');
  const progress = context.output.progress('covers', 'count');
  let done = 0;
  const results = await fetchCovers(sql, askingOf(context), {
    limit,
    get: async (path) => await client.get(path),
    onCover: () => progress.update((done += 1)),
  }).finally(() => progress.end());
  const failed = results.filter(({ status }) => status === 'failed');
  context.output.line(`${results.length - failed.length} pictures kept, ${failed.length} not to be had`);
  for (const { of, name, reason } of failed) context.log.info(`${of} ${name}: ${reason}`);
  return { kept: results.length - failed.length, failed: failed.length };
}

function showSets({ output }: CommandContext, results: readonly FetchResult[]): void {
  for (const { gap } of results) {
    if (gap === undefined) continue;
    output.warn(
      `plays between ${gap.after.toISOString()} and ${gap.before.toISOString()} may be lost: Spotify keeps the last 50 only; fetch more often`,
    );
  }
  if (results.length > 0 && results.every(({ status }) => status === 'nothing new')) output.line('nothing new');
  else if (results.length > 0) {
    output.table(
      ['what', 'part', { head: 'pages', align: 'right' }, { head: 'items', align: 'right' }, ''],
      results.map(({ kind, unit, pages, items, status, reason }) => [
        kind,
        unit,
        String(pages),
        String(items),
        reason ?? (status === 'received' ? '' : status),
      ]),
    );
  }
}

function report(context: CommandContext, results: readonly FetchResult[], pictures: Pictures | undefined, marts: MartsOutcome): void {
  showSets(context, results);
  showMarts(context, marts);
  context.output.result({
    sets: results.map(({ gap, batchId, reason, ...rest }) => ({
      ...rest,
      batchId: batchId ?? null,
      gap: gap ?? null,
      reason: reason ?? null,
    })),
    covers: pictures ?? null,
    marts,
  });
}
