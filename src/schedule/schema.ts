import { z } from 'zod';
import { parseBytes } from '../base/bytes.ts';
import { secretSource } from '../base/secret-source.ts';
import { durationText, section, sizeText } from '../base/yaml-shape.ts';
import { cronFault, isTimeZone } from './recurrence.ts';

const text = z.string().min(1);
const name = z.string().regex(/^[A-Za-z][\w-]*$/, 'not a name: letters, digits, _ and -, a letter first');
const count = z.int().min(0);
const labels = z.array(name).min(1);
const timeZone = z.string().refine(isTimeZone, 'not a time zone: write an IANA name such as Asia/Kolkata or UTC');
const cron = z.string().check((context) => {
  const fault = cronFault(context.value);
  if (fault !== undefined) context.issues.push({ code: 'custom', message: fault, input: context.value });
});

/** When something runs and how hard it is tried: the keys every job may have. */
const runKeys = {
  cron: cron.optional(),
  timezone: timeZone.optional(),
  after: z.array(text).min(1).optional(),
  catch_up: z.union([z.boolean(), z.enum(['once', 'all'])], { error: 'expected true, false, once or all' }).optional(),
  retries: count.max(100).optional(),
  retry_delay: durationText.optional(),
  from: text.optional(),
  until: text.optional(),
  for: durationText.optional(),
  pause: z.boolean().optional(),
  labels: labels.optional(),
} as const;

const percent = z.string().regex(/^(?:100|\d{1,2})(?:\.\d+)?%$/, 'not a share: write a percentage such as 5%');
/** Bytes a second: what the server takes for a base backup. */
const LOWEST_RATE = 32 * 1024;
const HIGHEST_RATE = 1024 ** 3;
const rate = z
  .string()
  .refine((value) => value.endsWith('/s') && sizeText.safeParse(value.slice(0, -2)).success, {
    error: 'not a rate: write a size a second, such as 200MB/s',
    abort: true,
  })
  .refine((value) => {
    const bytes = parseBytes(value.slice(0, -2));
    return bytes >= LOWEST_RATE && bytes <= HIGHEST_RATE;
  }, 'not a rate that PostgreSQL takes: 32KiB/s to 1GiB/s; without one there is no limit');

/** Who is told of what: a webhook or an address for mail. */
const notifySchema = z.array(
  section({
    webhook: secretSource.optional(),
    secret: secretSource.optional(),
    email: z.email({ error: 'not an e-mail address' }).optional(),
    on: z
      .array(z.enum(['failed', 'late', 'recovered']))
      .min(1)
      .optional(),
  }),
);

/** The server that takes mail from us. */
const mailSchema = section({
  host: text,
  port: z.int().min(1).max(65_535).optional(),
  security: z.enum(['tls', 'starttls', 'none']).optional(),
  user: text.optional(),
  password: secretSource.optional(),
  ca_file: text.optional(),
  from: z.email({ error: 'not an e-mail address' }),
});

const policySchema = section({
  cluster: text,
  repositories: z.array(text).min(1),
  labels: labels.optional(),
  base: z
    .union([z.literal('none'), section({ full: section(runKeys).optional(), incremental: section(runKeys).optional() })], {
      error: 'expected none, or { full: …, incremental: … }',
    })
    .optional(),
  wal: section({
    mode: z.enum(['stream', 'archive', 'none']).optional(),
    rpo: durationText.optional(),
    required: z.union([z.literal('all'), z.array(text).min(1)], { error: 'expected all, or a list of repositories' }).optional(),
  }).optional(),
  dump: section({
    ...runKeys,
    databases: z.union([z.literal('all'), z.array(text).min(1)], { error: 'expected all, or a list of databases' }).optional(),
    exclude: z.array(text).min(1).optional(),
    format: z.enum(['custom', 'directory']).optional(),
    jobs: count.min(1).max(64).optional(),
    spool: z.string().regex(/^\//, 'expected the absolute path of a directory').optional(),
  }).optional(),
  retention: section({
    window: durationText.optional(),
    keep: section({
      last: count.optional(),
      hourly: count.optional(),
      daily: count.optional(),
      weekly: count.optional(),
      monthly: count.optional(),
      yearly: count.optional(),
    }).optional(),
    minimum: count.min(1).optional(),
    dumps: count.min(1).optional(),
    expire: z.enum(['auto', 'manual']).optional(),
  }).optional(),
  expire: section(runKeys).optional(),
  verify: section({ ...runKeys, sample: percent.optional() }).optional(),
  drill: section({
    ...runKeys,
    target: z.enum(['latest', 'random']).optional(),
    assert: z
      .array(
        section({
          sql: text,
          is: z
            .union([z.string(), z.number(), z.boolean(), z.null()], {
              error: (issue) => (issue.input === undefined ? '"is" is missing' : 'expected a single value'),
            })
            // YAML's 9007199254740993 has become another number here.
            .refine((is) => typeof is !== 'number' || !Number.isInteger(is) || Number.isSafeInteger(is), {
              error: 'whole numbers beyond 9007199254740991 cannot be told from their neighbours: write it as text, in quotes',
            }),
        }),
      )
      .optional(),
  }).optional(),
  limits: section({
    rate: rate.optional(),
    backup_age: durationText.optional(),
    wal_lag: durationText.optional(),
    drill_age: durationText.optional(),
    rto: durationText.optional(),
    free: sizeText.optional(),
    full_in: durationText.optional(),
    slot_wal: sizeText.optional(),
  }).optional(),
  notify: notifySchema.optional(),
});

const jobSchema = section({
  ...runKeys,
  command: text.optional(),
  call: z
    .string()
    .regex(/^[^\s(;][^(;]*\(.*\)$/s, 'expected a procedure call such as mart.refresh()')
    .optional(),
  sql: text.optional(),
  cluster: text.optional(),
  database: text.optional(),
});

/** backups/policies.yaml as written: checked in form, references and times not followed yet. */
export const policiesSchema = section({
  version: z.literal(1, { error: 'version must be 1, the only one this dbadmin knows' }),
  timezone: timeZone.optional(),
  // Read with the configuration, which owns their form.
  repositories: z.record(name, z.record(z.string(), z.unknown())).optional(),
  mail: mailSchema.optional(),
  notify: notifySchema.optional(),
  policies: z.record(name, policySchema).optional(),
  jobs: z.record(name, jobSchema).optional(),
});

export type PoliciesFile = z.infer<typeof policiesSchema>;
export type PolicyFile = z.infer<typeof policySchema>;
export type NotifyFile = z.infer<typeof notifySchema>;
export type MailFile = z.infer<typeof mailSchema>;
export type JobFile = z.infer<typeof jobSchema>;
export type RunFile = { readonly [K in keyof typeof runKeys]?: z.infer<(typeof runKeys)[K]> };
