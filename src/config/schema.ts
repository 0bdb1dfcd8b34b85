import { z } from 'zod';
import { secretSource } from '../base/secret-source.ts';
import { durationText, section } from '../base/yaml-shape.ts';
import { SESSION_ATTRIBUTES, SSL_MODES } from '../postgres/parameters.ts';

const text = z.string().min(1);
/** A number, or the text of one: what `${NAME}` leaves. */
const wholeNumber = z.union([z.int().min(0), z.string().regex(/^\d+$/, 'expected a whole number')], { error: 'expected a whole number' });
const yesNo = z.union([z.boolean(), z.enum(['true', 'false'])], { error: 'expected true or false' });
// Once and not for each key: making forms is a good part of what every command's start takes.
const someText = text.optional();
const someDuration = durationText.optional();
const someSecret = secretSource.optional();
const someYesNo = yesNo.optional();
const objectName = z.string().regex(/^[A-Za-z][\w-]*$/, 'not a name: letters, digits, _ and -, a letter first');

/** How to reach a database. Every key may be left out; libpq's environment and defaults fill the gaps. */
const connectionShape = {
  url: someText,
  service: someText,
  host: someText,
  port: wholeNumber.optional(),
  user: someText,
  database: someText,
  password: someSecret,
  passfile: someText,
  sslmode: z.enum(SSL_MODES).optional(),
  sslrootcert: someText,
  sslcert: someText,
  sslkey: someText,
  target_session_attrs: z.enum(SESSION_ATTRIBUTES).optional(),
  connect_timeout: someDuration,
} as const;

const connectionSchema = section(connectionShape);

export const clusterSchema = section({
  ...connectionShape,
  replication: connectionSchema.optional(),
  reading: connectionSchema.optional(),
  repositories: z.array(text).optional(),
  slot: z
    .string()
    .regex(/^[a-z0-9_]{1,63}$/, 'not a slot name: 1 to 63 of a-z, 0-9 and _')
    .optional(),
  production: someYesNo,
});

const encryptionSchema = z.union(
  [
    z.literal('none'),
    section({ passphrase: someSecret, key_file: someText }).refine(
      (value) => (value.passphrase === undefined) !== (value.key_file === undefined),
      'give either passphrase or key_file',
    ),
  ],
  { error: 'expected none, { passphrase: … } or { key_file: FILE }' },
);

const diskRepository = section({ type: z.literal('disk'), path: text, encryption: encryptionSchema.optional() });

const serverSideSchema = z.union(
  [
    z.enum(['none', 's3', 'kms']),
    section({ kms: someText, customer_key: someSecret }).refine(
      (value) => (value.kms === undefined) !== (value.customer_key === undefined),
      'give either kms or customer_key',
    ),
  ],
  { error: 'expected none, s3, kms, { kms: KEY-ID } or { customer_key: … }' },
);

const objectLockSchema = z.union([durationText, section({ keep: durationText, mode: z.enum(['governance', 'compliance']).optional() })], {
  error: 'expected a time such as 30d, or { keep: 30d, mode: governance or compliance }',
});

const s3Repository = section({
  type: z.literal('s3'),
  bucket: text,
  prefix: z.string().optional(),
  region: someText,
  endpoint: z.url({ protocol: /^https?$/, error: 'expected an address that begins with https:// or http://' }).optional(),
  path_style: someYesNo,
  ca_file: someText,
  access_key_id: someText,
  secret_access_key: someSecret,
  profile: someText,
  storage_class: someText,
  sse: serverSideSchema.optional(),
  tags: z.record(text, z.string()).optional(),
  requester_pays: someYesNo,
  object_lock: objectLockSchema.optional(),
  encryption: encryptionSchema.optional(),
});

export const repositorySchema = z.discriminatedUnion('type', [diskRepository, s3Repository]);

/** The `repositories` of dbadmin.yaml, or of backups/policies.yaml. */
export const repositoriesSchema = z.record(objectName, repositorySchema);

const groups = z.array(text).min(1, 'name at least one group');

/** Who signs in to the console, beside the users of its own file. */
export const oidcSchema = section({
  issuer: z.url({ protocol: /^https?$/, error: 'expected the address that the provider calls itself, https://…' }),
  client_id: text,
  client_secret: someSecret,
  client_authentication: z.enum(['basic', 'post']).optional(),
  scopes: z.array(text).optional(),
  claim: someText,
  roles: section({ operator: groups.optional(), viewer: groups.optional() }).refine(
    ({ operator, viewer }) => operator !== undefined || viewer !== undefined,
    'name the groups of one role at least: { operator: […], viewer: […] }',
  ),
  label: z.string().min(1).max(60).optional(),
});

const consoleSchema = section({
  oidc: oidcSchema.optional(),
  session: section({ idle: someDuration, longest: someDuration }).optional(),
});

/** dbadmin.yaml as written: checked in form, nothing resolved. */
export const configSchema = section({
  version: z.literal(1, { error: 'version must be 1, the only one this dbadmin knows' }),
  default_cluster: someText,
  clusters: z.record(objectName, clusterSchema.nullable()),
  repositories: repositoriesSchema.optional(),
  paths: section({
    migrations: someText,
    routines: someText,
    seeds: someText,
    tests: someText,
    schema: someText,
    migrations_lock: someText,
    roles: someText,
    policies: someText,
    drill_key: someText,
  }).optional(),
  control: section({
    ...connectionShape,
    schema: z
      .string()
      .regex(/^[a-z_][a-z0-9_]{0,39}$/, 'not a schema name: 1 to 40 of a-z, 0-9 and _, no digit first')
      .optional(),
    heartbeat: someDuration,
  }).optional(),
  migrate: section({ schema: someText, lock_timeout: someDuration }).optional(),
  console: consoleSchema.optional(),
});

export type ConfigFile = z.infer<typeof configSchema>;
export type ClusterFile = z.infer<typeof clusterSchema>;
export type ControlFile = NonNullable<ConfigFile['control']>;
export type ConsoleFile = NonNullable<ConfigFile['console']>;
export type ConnectionFile = z.infer<typeof connectionSchema>;
export type RepositoryFile = z.infer<typeof repositorySchema>;
export type EncryptionFile = z.infer<typeof encryptionSchema>;
