import { z } from 'zod';
import { action, type Action } from '../../../console/action.ts';
import { flag, flagged, option, optionalText, text } from '../parameters.ts';

const PLACE = { cluster: optionalText, repository: optionalText };
const label = text.regex(/^[\w.-]+$/);
const restored = z.strictObject({
  ...PLACE,
  to: z.iso.datetime({ offset: true }),
  into: text,
  timeline: z
    .string()
    .regex(/^\d{1,9}$/)
    .optional(),
  reconcile: flag,
});

interface Place {
  readonly cluster?: string | undefined;
  readonly repository?: string | undefined;
}

function place({ cluster, repository }: Place): readonly string[] {
  return [...option('cluster', cluster), ...option('repository', repository)];
}

function restoreWords({ to, into, timeline, reconcile, ...of }: z.infer<typeof restored>): readonly string[] {
  return [
    'restore',
    ...place(of),
    '--to',
    to,
    ...option('timeline', timeline),
    '--into',
    into,
    '--start',
    ...flagged('reconcile', reconcile),
  ];
}

const clusterOf = ({ cluster }: Place): string | undefined => cluster;

export const BACKUP_ACTIONS: readonly Action[] = [
  action({
    name: 'backups/run',
    parameters: z.strictObject({ ...PLACE, type: z.enum(['full', 'incremental']).optional() }),
    apply: ({ type, ...of }) => ['backup', 'run', ...place(of), ...option('type', type)],
    cluster: clusterOf,
  }),
  action({
    name: 'backups/restore',
    parameters: restored,
    review: (of) => [...restoreWords(of), '--dry-run'],
    apply: restoreWords,
    cluster: clusterOf,
  }),
  action({
    name: 'backups/drill',
    parameters: z.strictObject({ ...PLACE, to: z.iso.datetime({ offset: true }) }),
    apply: ({ to, ...of }) => ['backup', 'drill', ...place(of), '--to', to],
    cluster: clusterOf,
  }),
  action({
    name: 'backups/prove',
    parameters: z.strictObject({ ...PLACE, label }),
    apply: ({ label: backup, ...of }) => ['backup', 'drill', ...place(of), '--backup', backup, '--immediate'],
    cluster: clusterOf,
  }),
  action({
    name: 'backups/verify',
    parameters: z.strictObject({ ...PLACE, everything: flag }),
    apply: ({ everything, ...of }) => ['backup', 'verify', ...place(of), ...flagged('read-data', everything)],
    cluster: clusterOf,
  }),
  action({
    name: 'backups/hold',
    parameters: z.strictObject({ ...PLACE, label, reason: text, until: optionalText }),
    apply: ({ label: held, reason, until, ...of }) => [
      'backup',
      'hold',
      held,
      ...place(of),
      ...option('reason', reason),
      ...option('until', until),
    ],
    cluster: clusterOf,
  }),
  action({
    name: 'backups/release',
    parameters: z.strictObject({ ...PLACE, label }),
    apply: ({ label: held, ...of }) => ['backup', 'hold', held, ...place(of), '--release'],
    cluster: clusterOf,
  }),
  action({
    name: 'backups/expire',
    parameters: z.strictObject(PLACE),
    review: (of) => ['backup', 'expire', ...place(of)],
    apply: (of) => ['backup', 'expire', ...place(of), '--apply'],
    cluster: clusterOf,
  }),
];
