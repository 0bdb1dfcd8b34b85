import path from 'node:path';
import { describeEntry } from '../../backup/reconcile/describe.ts';
import { formatDuration } from '../../base/durations.ts';
import { DbadminError, messageOf } from '../../base/errors.ts';
import type { ClusterConfig, Config, RepositoryConfig } from '../../config/config.ts';
import { deedIdentity, inOrder, readLedger, type Ledger, type LedgerEntry } from '../../repository/ledger.ts';
import { IDENTITY_KEY } from '../../repository/layout.ts';
import type { Repository } from '../../repository/repository.ts';
import { untilDiskAnswers } from '../../storage/disk-answers.ts';
import type { CommandContext } from '../command.ts';
import { openRepository } from '../open-repository.ts';

/** A restore may be all that is left to do: it waits no longer than this for repositories that it is not made from. */
const LONGEST_MS = 30_000;

/** What a restore is made from, and the project that may have other repositories. */
export interface RestoredFrom {
  readonly config: Config;
  readonly cluster: Pick<ClusterConfig, 'repositories'>;
  readonly repository: Pick<RepositoryConfig, 'name'>;
  readonly opened: Repository;
  readonly systemIdentifier: string;
}

/** A repository whose ledger could not be read, or not all of it, and why. */
export interface UnreadLedger {
  readonly repository: string;
  readonly problem: string;
}

export interface Returning {
  readonly returning: readonly LedgerEntry[];
  readonly unreadLedgers: readonly UnreadLedger[];
}

/**
 * What comes back, by `own`, the ledger of the repository that is restored from, and by those of the cluster's others: one that was away when
 * something was taken away does not have it. `select` gives those of some entries that come back.
 *
 * One that cannot be read is warned of and does not stop the restore. A repository that is not encrypted is not believed where the one
 * that is restored from is: whoever can write there has no key. What it alone says is named, and not acted on.
 */
export async function returningByAll(
  context: CommandContext,
  from: RestoredFrom,
  own: readonly LedgerEntry[],
  select: (entries: readonly LedgerEntry[]) => readonly LedgerEntry[],
): Promise<Returning> {
  const { config, cluster, repository, opened, systemIdentifier } = from;
  const others = cluster.repositories.flatMap((name) => (name === repository.name ? [] : (config.repositories.get(name) ?? [])));
  const read = await Promise.all(others.map(async (other) => await readOther(context, other, systemIdentifier)));
  const found = read.filter((each) => 'entries' in each);
  const isBelieved = ({ isEncrypted }: FoundLedger): boolean => isEncrypted || opened.keys === undefined;
  const entriesOf = (ledgers: readonly FoundLedger[]): readonly LedgerEntry[] => ledgers.flatMap(({ entries }) => entries);
  const returning = select(inOrder([...own, ...entriesOf(found.filter(isBelieved))]));
  warnOfUnbelieved(context, repository.name, returning, select(inOrder([...own, ...entriesOf(found)])), found);
  const unreadLedgers = read.flatMap(({ repository: name, problem }) => (problem === undefined ? [] : [{ repository: name, problem }]));
  for (const { repository: name, problem } of unreadLedgers)
    context.log.warn(
      `the ledger of ${name} could not be read: ${problem}. What was taken away and is written down only there comes back, and is not named`,
    );
  return { returning, unreadLedgers };
}

/** What was read of another repository's ledger. */
export interface FoundLedger {
  readonly repository: string;
  readonly isEncrypted: boolean;
  readonly entries: readonly LedgerEntry[];
  readonly problem: string | undefined;
}

async function readOther(context: CommandContext, config: RepositoryConfig, systemIdentifier: string): Promise<FoundLedger | UnreadLedger> {
  const { clock, signal } = context;
  const repository = config.name;
  const ends = new AbortController();
  try {
    const over = AbortSignal.any([signal, ends.signal]);
    const late = clock.sleep(LONGEST_MS, over).then(() => {
      throw new DbadminError('storage-failed', `it did not answer within ${formatDuration(LONGEST_MS)}`);
    });
    // What is given up must not be tried on behind the restore, whose process would not end before that does.
    const { ledger, isEncrypted } = await Promise.race([readNow({ ...context, signal: over }, config, systemIdentifier), late]);
    const { length } = ledger.damaged;
    const problem = length === 0 ? undefined : `${length === 1 ? 'an entry' : `${length} entries`} of it cannot be read`;
    return { repository, isEncrypted, entries: ledger.entries, problem };
  } catch (error) {
    signal.throwIfAborted();
    return { repository, problem: messageOf(error) };
  } finally {
    ends.abort();
  }
}

async function readNow(
  context: CommandContext,
  config: RepositoryConfig,
  systemIdentifier: string,
): Promise<{ readonly ledger: Ledger; readonly isEncrypted: boolean }> {
  if (config.type === 'disk') await untilDiskAnswers(path.join(config.path, IDENTITY_KEY), context.signal);
  const opened = await openRepository({ ...context, patienceMs: 0 }, config);
  try {
    return { ledger: await readLedger(opened, systemIdentifier), isEncrypted: opened.keys !== undefined };
  } finally {
    await opened.store.close();
  }
}

function warnOfUnbelieved(
  { log }: CommandContext,
  name: string,
  believed: readonly LedgerEntry[],
  all: readonly LedgerEntry[],
  found: readonly FoundLedger[],
): void {
  for (const { entry, source } of unbelieved(believed, all, found)) {
    log.warn(
      `${source} alone says of ${describeEntry(entry)}, and is not encrypted as ${name} is: it may come back, and is not taken away again. If it is true: dbadmin repository sync --from ${source} --to ${name}, and restore then`,
    );
  }
}

/** What of `all` only a repository without encryption says, and which. Each entry is looked at once: a ledger of years has many. */
export function unbelieved(
  believed: readonly LedgerEntry[],
  all: readonly LedgerEntry[],
  found: readonly FoundLedger[],
): readonly { readonly entry: LedgerEntry; readonly source: string }[] {
  const known = new Set(believed.map(deedIdentity));
  const left = all.filter((entry) => !known.has(deedIdentity(entry)));
  if (left.length === 0) return [];
  const sources = new Map<string, string>();
  for (const { repository, isEncrypted, entries } of found.toReversed())
    if (!isEncrypted) for (const entry of entries) sources.set(deedIdentity(entry), repository);
  return left.flatMap((entry) => {
    const source = sources.get(deedIdentity(entry));
    return source === undefined ? [] : [{ entry, source }];
  });
}
