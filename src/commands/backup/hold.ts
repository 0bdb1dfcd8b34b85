import { findClusterToRead } from '../../backup/lineage-inspect.ts';
import { parseHoldUntil } from '../../backup/hold-until.ts';
import { formatMoment } from '../../backup/restore/target.ts';
import { DbadminError } from '../../base/errors.ts';
import { IN_PART } from '../../base/exit-status.ts';
import { holdInTime, isStored } from '../../backup/hold-run.ts';
import { isInForce, listHolds, releaseHolds, type Hold } from '../../repository/holds.ts';
import type { Repository } from '../../repository/repository.ts';
import type { RepositoryConfig } from '../../config/config.ts';
import { flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { doneIn, eachResult, inEachRepository } from '../each-repository.ts';
import { loadProject } from '../load-project.ts';
import { openRepository, selectRepositories } from '../open-repository.ts';

interface Held {
  readonly repository: string;
  readonly holds: readonly Hold[];
}

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock } = context;
  const label = input.args[0];
  const reason = textOption(input, 'reason');
  const release = flagOption(input, 'release');
  const untilText = textOption(input, 'until');
  if (label === undefined && (release || reason !== undefined || untilText !== undefined)) {
    throw new DbadminError('usage', 'which backup or dump is meant is not said', {
      hint: 'Give its label: dbadmin backup list has those of backups, dbadmin backup info those of dumps, too. Without a label and options it is shown what is held.',
    });
  }
  if (label !== undefined && !release && reason === undefined) {
    throw new DbadminError('usage', 'a hold needs a reason', {
      hint: 'Whoever wonders why the backup stays will read it: --reason "audit 2026".',
    });
  }
  if (release && untilText !== undefined) {
    throw new DbadminError('usage', '--release has no end: it ends all holds at once, and --until is when one that is placed ends', {
      hint: 'To let a hold end later, release what holds it, and hold it anew with --reason and --until.',
    });
  }
  // Of a variable of the shell that was not set.
  if (label === '') throw new DbadminError('usage', 'the label of a backup or dump is not empty');
  const until = untilText === undefined ? null : parseHoldUntil(untilText, clock.now());
  const { config, cluster } = await loadProject(context, input);
  const wanted = new Set<string>();
  const holdIn = async (place: RepositoryConfig): Promise<Held> => {
    const repository = await openRepository(context, place);
    try {
      const { systemIdentifier } = await findClusterToRead(repository, cluster.name, textOption(input, 'systemIdentifier'));
      if (label !== undefined && (await isStored(repository, systemIdentifier, label))) {
        wanted.add(place.name);
        if (release) await releaseAll(context, repository, systemIdentifier, label, reason ?? 'released');
        else await holdInTime(repository, systemIdentifier, { label, reason: reason ?? '', until }, context);
      }
      return {
        repository: place.name,
        holds: (await listHolds(repository, systemIdentifier, label)).filter((hold) => isInForce(hold, [clock.now()])),
      };
    } finally {
      await repository.store.close();
    }
  };
  const what = label === undefined ? 'what is held' : release ? `whether ${label} is released` : `whether ${label} is held`;
  const places = selectRepositories(config, cluster, textOption(input, 'repository'));
  const outcomes = await inEachRepository(context, places, (name) => `${what} in ${name} is unknown`, holdIn);
  const away = outcomes.flatMap(({ kind, name }) => (kind === 'failed' ? [name] : []));
  if (label !== undefined && wanted.size === 0) throw missing(label, cluster.name, away);
  // Those that have it not are done, and nothing is held there.
  const failed = outcomes.find(({ kind, name }) => kind === 'failed' && wanted.has(name));
  if (failed?.kind === 'failed' && !outcomes.some(({ kind, name }) => kind === 'done' && wanted.has(name))) throw failed.error;
  show(context, doneIn(outcomes));
  output.result({ repositories: eachResult(outcomes) });
  return away.length > 0 ? IN_PART : 0;
}

async function releaseAll(
  { clock, output }: CommandContext,
  repository: Repository,
  systemIdentifier: string,
  label: string,
  reason: string,
): Promise<void> {
  const holds = await listHolds(repository, systemIdentifier, label);
  if (holds.length === 0) output.note(`nothing holds ${label} in ${repository.store.description}`);
  else await releaseHolds(repository, systemIdentifier, { label, holds, reason, now: clock.now() });
}

function show({ output }: CommandContext, held: readonly Held[]): void {
  const rows = held.flatMap(({ repository, holds }) =>
    holds.map(({ label, until, reason, by, placedAt }) => [
      label,
      repository,
      until === null ? 'no end' : formatMoment(until),
      reason,
      `${by}, ${formatMoment(placedAt)}`,
    ]),
  );
  if (rows.length === 0) output.line('nothing is held');
  else output.table(['held', 'in', 'until', 'reason', 'by'], rows);
}

function missing(label: string, cluster: string, away: readonly string[]): DbadminError {
  return new DbadminError('backup-missing', `there is no backup or dump ${label} of ${cluster}`, {
    ...(away.length === 0 ? {} : { detail: `Nobody could look in ${away.join(', ')}.` }),
    hint: 'dbadmin backup list has the labels of backups, dbadmin backup info those of dumps, too.',
  });
}
