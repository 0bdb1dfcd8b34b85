import { concernsTransactions, type TransactionEnd } from '../../postgres/wal-records.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import { findTableHistory, readStoredEnds, type Search } from '../../backup/find/search-inspect.ts';
import { formatTableName, parseTableName, type TableName } from '../../backup/find/table-name.ts';
import type { TableEvent } from '../../backup/find/table-watch.ts';
import { inspectLineage, readLineage } from '../../backup/lineage-inspect.ts';
import { formatMomentUs, isoMoment, targetUs, timeTarget } from '../../backup/restore/target.ts';
import { DbadminError } from '../../base/errors.ts';
import { textOption, wholeNumberOption, type CommandContext, type CommandInput } from '../command.ts';
import { givenOptions } from '../given-options.ts';
import { loadProject } from '../load-project.ts';
import { openRepository, selectRepository } from '../open-repository.ts';
import { timelineOption } from '../timeline-option.ts';

const QUESTIONS = ['drop', 'truncate', 'massDelete', 'commitsBetween', 'restorePoints'] as const;
type Question = (typeof QUESTIONS)[number];
type Between = 'commitsBetween' | 'restorePoints';

/** What is shown of one transaction. */
interface Found {
  readonly kind: TableEvent['kind'] | 'commit' | 'restore-point';
  readonly outcome: TransactionEnd;
  readonly rows?: number;
  readonly partitions?: readonly TableName[];
  readonly beforeLsn?: bigint;
  readonly withDatabase?: boolean;
}

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { question, value } = questionOf(input);
  const timeline = timelineOption(input);
  const rows = wholeNumberOption(input, 'rows', 1) ?? 1000;
  const limit = wholeNumberOption(input, 'limit', 1) ?? 1000;
  const { config, cluster } = await loadProject(context, input);
  const repository = selectRepository(config, cluster, textOption(input, 'repository'));
  const opened = await openRepository(context, repository);
  try {
    const contents = await inspectLineage(opened, cluster.name, textOption(input, 'systemIdentifier'));
    const lineage = await readLineage(contents, timeline);
    const search: Search = { repository: opened, contents, lineage, signal: context.signal };
    const database = textOption(input, 'database') ?? cluster.connection.database;
    const answer =
      question === 'commitsBetween' || question === 'restorePoints'
        ? await between(context, input, search, { question, text: value, limit })
        : await tableEvents(context, input, search, { question, text: value, database, rows });
    context.output.result({
      repository: repository.name,
      timeline: lineage.timeline,
      found: answer.found.map(json),
      others: answer.others.map(json),
      more: answer.more,
    });
    return 0;
  } finally {
    await opened.store.close();
  }
}

interface Answer {
  readonly found: readonly Found[];
  readonly others: readonly Found[];
  readonly more: number;
}

function questionOf(input: CommandInput): { readonly question: Question; readonly value: string } {
  const given = QUESTIONS.filter((each) => textOption(input, each) !== undefined);
  const [question] = given;
  if (question === undefined || given.length > 1) {
    throw new DbadminError(
      'usage',
      given.length === 0 ? 'wal find needs to know what to look for' : 'wal find looks for one thing at a time',
      {
        hint: 'Give one of --drop, --truncate, --mass-delete, --commits-between, --restore-points.',
      },
    );
  }
  const [until] = input.args;
  if (until !== undefined && question !== 'commitsBetween' && question !== 'restorePoints') {
    throw new DbadminError('usage', `an end, "${until}", goes with --commits-between and --restore-points`, {
      hint: 'Of a table everything that is stored is shown, each with its time.',
    });
  }
  return { question, value: textOption(input, question) ?? '' };
}

async function tableEvents(
  { output }: CommandContext,
  input: CommandInput,
  search: Search,
  asked: { readonly question: Exclude<Question, Between>; readonly text: string; readonly database: string; readonly rows: number },
): Promise<Answer> {
  const { question, database, rows } = asked;
  const table = parseTableName(asked.text);
  const { events, exists } = await findTableHistory({ ...search, database, table, countsDeletes: question === 'massDelete' });
  const isAsked = (event: TableEvent): boolean => {
    switch (event.kind) {
      case 'dropped':
        return question === 'drop';
      case 'truncated':
        return question !== 'drop';
      case 'deleted':
        return event.rows >= rows;
      case 'partition-dropped':
      case 'partition-detached':
        return question === 'massDelete';
      case 'created':
      case 'renamed':
      case 'rewritten':
        return false;
    }
  };
  const found: readonly Found[] = events.filter(isAsked);
  const others: readonly Found[] = events.filter((event) => !isAsked(event) && event.kind !== 'deleted');
  const name = `${formatTableName(table)} in database ${database}`;
  if (found.length > 0) show(output, found);
  else output.line(`nothing found: ${name} ${exists ? 'is there where the stored WAL ends' : 'is not there where the stored WAL ends'}`);
  for (const other of others) output.note(`also ${other.kind}: ${describe(other).join('   ')}`);
  const last = found.at(-1);
  if (last !== undefined) output.line(`to just before the last: ${restoreBefore(input, last)}`);
  return { found, others, more: 0 };
}

/** Along the timeline that was searched, of the same place: the same position of another one is another moment. */
export function restoreBefore(input: CommandInput, found: Found): string {
  const where = givenOptions(input, ['config', 'cluster', 'repository', 'system-identifier', 'timeline']);
  return ['dbadmin restore', `--to-lsn ${formatLsn(positionOf(found))}`, '--exclusive', ...where, '--into DIR'].join(' ');
}

async function between(
  { output, clock }: CommandContext,
  input: CommandInput,
  search: Search,
  { question, text, limit }: { readonly question: Between; readonly text: string; readonly limit: number },
): Promise<Answer> {
  const now = clock.now();
  const from = timeTarget(text, now);
  const until = input.args[0] === undefined ? { at: now } : timeTarget(input.args[0], now);
  const [fromUs, untilUs] = [targetUs(from), targetUs(until)];
  if (untilUs < fromUs)
    throw new DbadminError(
      'usage',
      `the end of --${question === 'restorePoints' ? 'restore-points' : 'commits-between'} is before its beginning`,
    );
  const found: Found[] = [];
  let more = 0;
  for await (const end of readStoredEnds(search, concernsTransactions, { from: from.at, until: until.at })) {
    if (question === 'restorePoints' ? end.kind !== 'restore-point' : end.kind !== 'commit' && end.kind !== 'commit-prepared') continue;
    // Times are not in the order of the WAL: none of it can be left out for being too late.
    if (end.time < fromUs || end.time > untilUs) continue;
    if (found.length < limit) found.push({ kind: end.kind === 'restore-point' ? 'restore-point' : 'commit', outcome: end });
    else more += 1;
  }
  if (found.length > 0) show(output, found);
  else
    output.line(
      `no ${question === 'restorePoints' ? 'restore point' : 'commit'} between ${formatMomentUs(fromUs)} and ${formatMomentUs(untilUs)} in the stored WAL`,
    );
  if (more > 0) output.note(`and ${more} more; --limit says how many are shown`);
  return { found, others: [], more };
}

function show(output: CommandContext['output'], found: readonly Found[]): void {
  output.table(['time', 'xid', 'LSN', ''], found.map(describe));
}

function describe(found: Found): string[] {
  const { outcome, withDatabase } = found;
  const what = whatOf(found);
  const prepared = outcome.kind === 'commit-prepared' ? ' by COMMIT PREPARED' : '';
  const how = withDatabase === true ? ' with its database' : prepared;
  return [formatMomentUs(outcome.time), xidOf(outcome), formatLsn(positionOf(found)), `${what}${how}`];
}

function whatOf({ kind, outcome, rows, partitions }: Found): string {
  if (rows !== undefined) return `${rows} rows deleted`;
  if (partitions !== undefined) return `${kind.replace('-', ' ')}: ${partitions.map(formatTableName).join(', ')}`;
  return outcome.kind === 'restore-point' ? `restore point ${outcome.name}` : kind;
}

function json(found: Found): object {
  const { kind, outcome, rows, partitions, withDatabase } = found;
  return {
    kind,
    ...(outcome.kind === 'restore-point' ? { name: outcome.name } : { xid: xidOf(outcome) }),
    lsn: formatLsn(positionOf(found)),
    endLsn: formatLsn(outcome.endLsn),
    time: isoMoment(outcome.time),
    ...(rows === undefined ? {} : { rows }),
    ...(partitions === undefined ? {} : { partitions: partitions.map(formatTableName) }),
    ...(withDatabase === undefined ? {} : { withDatabase }),
    prepared: outcome.kind === 'commit-prepared',
  };
}

/** Where a recovery has to end for it not to have happened. */
function positionOf({ outcome, beforeLsn }: Found): bigint {
  return beforeLsn ?? outcome.lsn;
}

function xidOf(outcome: TransactionEnd): string {
  return outcome.kind === 'restore-point' ? '' : String(outcome.fullXid ?? outcome.xid);
}
