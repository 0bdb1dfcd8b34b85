import { DbadminError } from '../../base/errors.ts';
import { formatDuration } from '../../base/durations.ts';
import { readHistoryEntries, type HistoryEntryRow } from '../../migrate/history/entries-inspect.ts';
import { inspectServer } from '../../migrate/session/inspect-server.ts';
import { describeHeldLocks } from '../../migrate/watch/held-locks.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { count, loadMigrations, withSession } from './load-migrations.ts';

const NEWEST = 50;
const MOST = 10_000;

/** `dbadmin migrate history`: what was written down of each run, the newest first. */
export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const limit = limitOption(input);
  const project = await loadMigrations(context, input);
  const { server, entries, total } = await withSession(context, project, async (session) => {
    return { server: await inspectServer(session), ...(await readHistoryEntries(session, project.config.migrate.schema, limit)) };
  });
  output.line(`${server.database} on ${project.cluster.name}: ${count(total, 'row')} of history`);
  if (entries.length > 0)
    output.table(['  what', 'kind', 'begun (UTC)', { head: 'took', align: 'right' }, 'tries', 'by', 'restore point'], entries.map(rowOf));
  if (total > entries.length) output.line(`  … and ${count(total - entries.length, 'older row')} (--limit)`);
  output.result({ database: server.database, total, entries: entries.map(entryJson) });
  return 0;
}

function rowOf(entry: HistoryEntryRow): readonly string[] {
  const { name, statement, kind, startedAt, attempts, appliedBy, restorePoint, locks, reason } = entry;
  const held = describeHeldLocks(locks);
  const more = [...(reason === null ? [] : [`    ${reason}`]), ...(held === undefined ? [] : [`    held ${held}`])];
  return [
    [`  ${name}${statement === null ? '' : ` statement ${statement}`}`, ...more].join('\n'),
    kind,
    startedAt.toISOString().slice(0, 19).replace('T', ' '),
    tookMs(entry) === null ? 'not ended' : formatDuration(tookMs(entry) ?? 0),
    String(attempts),
    appliedBy,
    restorePoint?.name ?? '',
  ];
}

function tookMs({ startedAt, finishedAt }: HistoryEntryRow): number | null {
  return finishedAt === null ? null : Math.max(0, finishedAt.getTime() - startedAt.getTime());
}

function entryJson(entry: HistoryEntryRow): object {
  return { ...entry, tookMs: tookMs(entry) };
}

function limitOption(input: CommandInput): number {
  const text = textOption(input, 'limit');
  if (text === undefined) return NEWEST;
  const limit = Number(text);
  if (/^\d+$/.test(text) && limit >= 1 && limit <= MOST) return limit;
  throw new DbadminError('usage', `--limit takes a number from 1 to ${MOST}, not "${text}"`);
}
