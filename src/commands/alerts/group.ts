import type { CommandSpec, OptionSpec } from '../command.ts';

const STATE: OptionSpec = {
  flags: '--state <file>',
  summary: 'keep what was told in this file alone (default: in the control database, and in the state directory of this user)',
};

export const ALERTS_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'alerts check',
    summary: 'look at everything once and tell those who want to know what has changed: for timers without a worker',
    description: `Tells the receivers under notify in backups/policies.yaml: once when something is wrong, with what to do next, and once when it is over.
What comes and goes is told of once: it must be good for two minutes before it is over, twice as long each time it comes back.
What cannot be delivered is kept and tried again by the next check, for a week. A worker does this by itself.

Run it every minute or so. Where a worker has made the tables of the control database, or dbadmin.yaml names one, what was told is
kept there too: of all that look, workers and machines, one tells, and another goes on when it is gone. Without one, run it as
one user on one machine.

$ dbadmin alerts check --quiet`,
    options: [STATE],
    json: [
      'events: array of { event: raised or over, kind, severity, cluster, subject, what, next, at }',
      'delivered: array of { receiver, kind, event }',
      'waiting: array of { receiver, kind, event, queuedAt, attempts, nextAt, failure }: what is still on its way',
      'refused: array of { receiver, kind, event, failure }: what a receiver does not take, given up',
      'raised: how many alerts stand now',
      'standsByFor: who tells, where it is another; else null',
    ],
    load: async () => await import('./check.ts'),
  },
  {
    name: 'alerts list',
    summary: 'what was told and is not over, what is still on its way, and who is told',
    options: [STATE],
    json: [
      'lookedAt: when somebody last looked, or null',
      'alerts: array of { phase: waiting, raised or settling, kind, severity, cluster, policy, subject, badSince, since, relapses, what, next, told: names of receivers, or null where these are not known }',
      'waiting: array of { receiver, kind, event, queuedAt, attempts, nextAt, failure }',
      'receivers: array of { name, policy, on, signed }, or null while the policies, which name them, cannot be read',
      'receiversProblem: why they are not known, or null',
      'teller: who tells, where that is shared; else null',
      'shared: whether this is kept in the control database',
      'file: where this is kept, or the copy of it on this machine',
    ],
    load: async () => await import('./list.ts'),
  },
  {
    name: 'alerts test',
    summary: 'send everybody who would be told a message that says so, now',
    description: 'Exits with 3 when one of them cannot be reached, and says why. Nothing is queued.',
    options: [],
    json: ['receivers: array of { name, delivered: true or false, failure }'],
    load: async () => await import('./test.ts'),
  },
];
