import { z } from 'zod';
import { question, type Question } from '../../../console/question.ts';
import { option, optionalText } from '../parameters.ts';

/** Where large temporary files go, and nothing lies: whoever may only look must not learn what lies in directories of their choice. */
const NEVER_MADE = '/var/tmp/dbadmin-preflight';
const PLACE = { cluster: optionalText, repository: optionalText };
const moment = z.iso.datetime({ offset: true });
const timeline = z
  .string()
  .regex(/^\d{1,9}$/)
  .optional();

interface Place {
  readonly cluster?: string | undefined;
  readonly repository?: string | undefined;
}

function place({ cluster, repository }: Place): readonly string[] {
  return [...option('cluster', cluster), ...option('repository', repository)];
}

export const BACKUP_QUESTIONS: readonly Question[] = [
  question({
    name: 'backups/list',
    parameters: z.strictObject(PLACE),
    words: (of) => ['backup', 'list', ...place(of)],
    keepMs: 2000,
  }),
  question({
    name: 'backups/info',
    parameters: z.strictObject(PLACE),
    words: (of) => ['backup', 'info', ...place(of)],
    keepMs: 2000,
  }),
  question({
    name: 'backups/ledger',
    parameters: z.strictObject(PLACE),
    words: (of) => ['backup', 'ledger', 'list', ...place(of)],
    keepMs: 2000,
  }),
  question({
    name: 'backups/wal',
    parameters: z.strictObject(PLACE),
    words: (of) => ['wal', 'status', ...place(of)],
    keepMs: 2000,
  }),
  question({
    name: 'backups/commits',
    parameters: z.strictObject({ ...PLACE, timeline, from: moment, until: moment }),
    words: ({ from, until, timeline: along, ...of }) => [
      'wal',
      'find',
      '--commits-between',
      from,
      '--limit',
      '20000',
      ...option('timeline', along),
      ...place(of),
      until,
    ],
    keepMs: 10_000,
  }),
  question({
    name: 'backups/points',
    parameters: z.strictObject({ ...PLACE, from: moment, until: moment.optional() }),
    words: ({ from, until, ...of }) => [
      'wal',
      'find',
      '--restore-points',
      from,
      '--limit',
      '5000',
      ...place(of),
      ...(until === undefined ? [] : [until]),
    ],
    keepMs: 10_000,
  }),
  question({
    name: 'backups/preflight',
    parameters: z.strictObject({ ...PLACE, timeline, to: moment }),
    words: ({ to, timeline: along, ...of }) => [
      'restore',
      '--dry-run',
      '--to',
      to,
      '--into',
      NEVER_MADE,
      ...option('timeline', along),
      ...place(of),
    ],
    keepMs: 2000,
  }),
];
