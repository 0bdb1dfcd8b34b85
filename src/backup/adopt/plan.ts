import { DbadminError } from '../../base/errors.ts';
import type { KnownLineage, RunningCluster } from './inspect.ts';

/** One step of taking a restored cluster under care again. */
export interface AdoptStep {
  readonly step: 'repository' | 'timeline' | 'slot' | 'backup' | 'receiver' | 'configuration' | 'archiving' | 'standbys';
  /** `by-hand`: somebody else's to do; it is told what. */
  readonly state: 'done' | 'to-do' | 'by-hand';
  readonly text: string;
}

/** A repository that could not be opened, and why. */
export interface AwayRepository {
  readonly name: string;
  readonly reason: string;
}

export interface AdoptPlan {
  readonly steps: readonly AdoptStep[];
  /** Repositories that lack the history file, and those that lack a backup. */
  readonly lacksHistory: readonly string[];
  readonly lacksBackup: readonly string[];
}

/**
 * What is to be done for a cluster that runs now to be backed up again. Those that are `away` may have been lost with the host, and are
 * left to who knows. Pure.
 *
 * @throws {DbadminError} `refused` on a standby, or when the repository has a newer timeline; `wal-conflict` when it has
 * another history of this one: the cluster does not continue what is stored.
 */
export function planAdoption(
  running: RunningCluster,
  known: readonly KnownLineage[],
  slot: string,
  away: readonly AwayRepository[] = [],
): AdoptPlan {
  const { timeline } = running;
  if (running.isStandby)
    throw new DbadminError('refused', 'the cluster is in recovery: it has no timeline of its own yet', {
      hint: 'Adopt it when it is open.',
    });
  for (const each of known) refuseForeign(running, each);
  const lacksHistory = known.filter(({ history }) => history === 'absent').map(({ name }) => name);
  const lacksBackup = known.filter(({ backup }) => backup === undefined).map(({ name }) => name);
  const all = known.map(({ name }) => name).join(', ');
  const steps: AdoptStep[] = [
    ...away.map(({ name, reason }): AdoptStep => ({
      step: 'repository',
      state: 'by-hand',
      text: `nothing is done in ${name}: ${reason}. Adopt again when it is there; one that is lost is made anew (dbadmin backup init) and filled (dbadmin repository sync)`,
    })),
    {
      step: 'timeline',
      state: lacksHistory.length === 0 ? 'done' : 'to-do',
      text: `timeline ${timeline}: ${lacksHistory.length === 0 ? `its history is in ${all}` : `store its history in ${lacksHistory.join(', ')}`}`,
    },
    {
      step: 'slot',
      state: running.hasSlot ? 'done' : 'to-do',
      text: running.hasSlot ? `slot ${slot} is there` : `make slot ${slot}, so that the server keeps what is not stored yet`,
    },
    {
      step: 'backup',
      state: lacksBackup.length === 0 ? 'done' : 'to-do',
      text:
        lacksBackup.length === 0
          ? `a backup on timeline ${timeline}: ${known.map(({ backup }) => backup).join(', ')}`
          : `take the first full backup on timeline ${timeline} into ${lacksBackup.join(', ')}`,
    },
    {
      step: 'receiver',
      state: 'by-hand',
      text: 'keep receiving WAL: dbadmin wal receive under systemd, or the worker; and put the schedule back: dbadmin schedule export',
    },
    ...(running.isClone === true ? [CLONE_STEP] : []),
    ...archivingSteps(running),
  ];
  return { steps, lacksHistory, lacksBackup };
}

/** Nothing of it shows while it works: no SSL, no job of a library, no subscription, a fraction of the memory. */
const CLONE_STEP: AdoptStep = {
  step: 'configuration',
  state: 'by-hand',
  text: 'it was restored as a clone, and has the settings of one: no archiving, no SSL, loopback only, no subscriptions, fewer preloaded libraries, less memory. Take out of its postgresql.auto.conf what is not meant for it, and dbadmin.restored_as, then restart it; or restore --as production',
};

function refuseForeign({ timeline }: RunningCluster, known: KnownLineage): void {
  if (known.history === 'different') {
    throw new DbadminError('wal-conflict', `repository ${known.name} has another history of timeline ${timeline}`, {
      detail: 'Two clusters were promoted to the same timeline: one of them did not see what the other had stored.',
      hint: 'Restore again from this repository as production: it will take a timeline that nobody has.',
    });
  }
  if (known.newestTimeline > timeline) {
    throw new DbadminError(
      'refused',
      `repository ${known.name} has timeline ${known.newestTimeline}, and the cluster runs on ${timeline}`,
      {
        detail: 'Another cluster went on after this one.',
        hint: 'Adopt that one, or restore this moment again as production, onto a newer timeline.',
      },
    );
  }
}

function archivingSteps({ archiving, synchronousStandbys }: RunningCluster): readonly AdoptStep[] {
  const steps: AdoptStep[] = [];
  if (archiving === undefined)
    steps.push({ step: 'archiving', state: 'by-hand', text: 'look at archive_mode: no ordinary connection was allowed' });
  else if (archiving.mode !== 'off' && archiving.command !== '')
    steps.push({ step: 'archiving', state: 'done', text: `archive_mode is ${archiving.mode}: ${archiving.command}` });
  if (synchronousStandbys !== undefined && synchronousStandbys !== '') {
    steps.push({
      step: 'standbys',
      state: 'by-hand',
      text: `commits wait for ${synchronousStandbys}: build these standbys anew, or empty synchronous_standby_names`,
    });
  }
  return steps;
}
