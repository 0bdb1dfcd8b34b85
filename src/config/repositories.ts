import path from 'node:path';
import { parseDuration } from '../base/durations.ts';
import type { ErrorCode } from '../base/errors.ts';
import type { YamlPath, YamlSource } from '../base/yaml-source.ts';
import { isInterpolated } from '../base/interpolation.ts';
import type { SecretSource } from '../base/secret-source.ts';
import type { Secret } from '../base/secret.ts';
import type { EncryptionConfig, RepositoryConfig, S3RepositoryConfig } from './config.ts';
import type { EncryptionFile, RepositoryFile } from './schema.ts';
import { resolveSecret } from './secrets.ts';

/** Where a file's values are made trusted: its directory, the environment, and the warnings found on the way. */
export interface Resolving {
  readonly source: YamlSource;
  readonly directory: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly warnings: string[];
}

const DAY_MS = 86_400_000;

/** A repository with its paths absolute, its units converted and its secrets ready to be fetched. */
export function resolveRepository(name: string, file: RepositoryFile, at: YamlPath, resolving: Resolving): RepositoryConfig {
  const encryption = resolveEncryption(file.encryption, [...at, 'encryption'], resolving);
  if (file.type === 'disk') return { name, type: 'disk', path: path.resolve(resolving.directory, file.path), encryption };
  const { source, env } = resolving;
  if ((file.access_key_id === undefined) !== (file.secret_access_key === undefined)) {
    source.add(at, 'access_key_id and secret_access_key come together or not at all');
  }
  if (file.profile !== undefined && file.access_key_id !== undefined) {
    source.add([...at, 'profile'], 'either a profile or access_key_id with secret_access_key');
  }
  const serverSideEncryption = resolveServerSide(file.sse, [...at, 'sse'], resolving);
  if (serverSideEncryption.kind === 'customer' && file.endpoint?.startsWith('http://') === true) {
    source.add([...at, 'sse', 'customer_key'], 'a customer_key goes to the server with each request, so the endpoint must be https://');
  }
  const namedRegion = file.region ?? env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION'];
  return {
    name,
    type: 's3',
    encryption,
    bucket: file.bucket,
    prefix: (file.prefix ?? '').replace(/^\/+|\/+$/g, ''),
    // A profile may name its own region.
    region: namedRegion ?? (file.profile === undefined ? 'us-east-1' : undefined),
    endpoint: file.endpoint,
    pathStyle: file.path_style === true || file.path_style === 'true',
    caFile: file.ca_file === undefined ? undefined : path.resolve(resolving.directory, file.ca_file),
    accessKeyId: file.access_key_id,
    secretAccessKey:
      file.secret_access_key === undefined
        ? undefined
        : secretAt(file.secret_access_key, [...at, 'secret_access_key'], resolving, 'credentials-wrong'),
    profile: file.profile,
    storageClass: file.storage_class,
    serverSideEncryption,
    tags: resolveTags(file.tags ?? {}, [...at, 'tags'], source),
    requesterPays: file.requester_pays === true || file.requester_pays === 'true',
    ...resolveLock(file.object_lock, [...at, 'object_lock'], source),
  };
}

const MAXIMUM_TAGS = 10;
const TAG_TEXT = /^[\p{L}\p{N}\p{Z}+\-=._:/@]*$/u;

/** S3's own rules, so that they are not met in the middle of a backup. */
function resolveTags(tags: Readonly<Record<string, string>>, at: YamlPath, source: YamlSource): Readonly<Record<string, string>> {
  if (Object.keys(tags).length > MAXIMUM_TAGS) source.add(at, `S3 takes ${MAXIMUM_TAGS} tags at most`);
  for (const [name, value] of Object.entries(tags)) {
    const fits = TAG_TEXT.test(name) && TAG_TEXT.test(value) && name.length <= 128 && value.length <= 256;
    if (!fits)
      source.add([...at, name], 'a tag is a name of up to 128 and a value of up to 256 letters, digits, spaces and + - = . _ : / @');
  }
  return tags;
}

function resolveLock(
  lock: S3File['object_lock'],
  at: YamlPath,
  source: YamlSource,
): Pick<S3RepositoryConfig, 'objectLockDays' | 'lockMode'> {
  if (lock === undefined) return { objectLockDays: undefined, lockMode: undefined };
  const { keep, mode = 'governance' } = typeof lock === 'string' ? { keep: lock } : lock;
  const days = parseDuration(keep) / DAY_MS;
  if (!(Number.isInteger(days) && days > 0)) source.add(at, 'object_lock counts in whole days, such as 30d');
  return { objectLockDays: days, lockMode: mode };
}

function resolveEncryption(file: EncryptionFile | undefined, at: YamlPath, resolving: Resolving): EncryptionConfig {
  if (file === undefined || file === 'none') return { kind: 'none' };
  if (file.passphrase !== undefined) {
    return { kind: 'passphrase', passphrase: secretAt(file.passphrase, [...at, 'passphrase'], resolving, 'credentials-wrong') };
  }
  return { kind: 'key-file', path: path.resolve(resolving.directory, file.key_file ?? '') };
}

type S3File = Extract<RepositoryFile, { type: 's3' }>;

function resolveServerSide(sse: S3File['sse'], at: YamlPath, resolving: Resolving): S3RepositoryConfig['serverSideEncryption'] {
  if (sse === undefined || sse === 'none') return { kind: 'none' };
  if (sse === 's3') return { kind: 's3' };
  if (sse === 'kms') return { kind: 'kms', keyId: undefined };
  if (sse.customer_key !== undefined)
    return { kind: 'customer', key: secretAt(sse.customer_key, [...at, 'customer_key'], resolving, 'credentials-wrong') };
  return { kind: 'kms', keyId: sse.kms };
}

/** The secret at a path of the file, with a warning when it is written there in plain text. */
export function secretAt(secret: SecretSource, at: YamlPath, resolving: Resolving, code?: ErrorCode): Secret {
  const { source, directory, env, warnings } = resolving;
  const written = source.written(at);
  if (written !== undefined && written !== '' && !isInterpolated(written)) {
    warnings.push(`${source.place(at)}: ${String(at.at(-1))} is written in the file; better "\${NAME}" or { from: env, name: NAME }`);
  }
  return resolveSecret(secret, source.place(at), directory, env, code);
}
