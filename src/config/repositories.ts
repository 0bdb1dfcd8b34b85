import path from 'node:path';
import { parseDuration } from '../base/durations.ts';
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
  const lockDays = file.object_lock === undefined ? undefined : parseDuration(file.object_lock) / DAY_MS;
  if (lockDays !== undefined && !(Number.isInteger(lockDays) && lockDays > 0)) {
    source.add([...at, 'object_lock'], 'object_lock counts in whole days, such as 30d');
  }
  return {
    name,
    type: 's3',
    encryption,
    bucket: file.bucket,
    prefix: (file.prefix ?? '').replace(/^\/+|\/+$/g, ''),
    region: file.region ?? env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION'] ?? 'us-east-1',
    endpoint: file.endpoint,
    pathStyle: file.path_style === true || file.path_style === 'true',
    caFile: file.ca_file === undefined ? undefined : path.resolve(resolving.directory, file.ca_file),
    accessKeyId: file.access_key_id,
    secretAccessKey:
      file.secret_access_key === undefined ? undefined : secretAt(file.secret_access_key, [...at, 'secret_access_key'], resolving),
    storageClass: file.storage_class,
    serverSideEncryption: resolveServerSide(file.sse),
    objectLockDays: lockDays,
  };
}

function resolveEncryption(file: EncryptionFile | undefined, at: YamlPath, resolving: Resolving): EncryptionConfig {
  if (file === undefined || file === 'none') return { kind: 'none' };
  if (file.passphrase !== undefined) {
    return { kind: 'passphrase', passphrase: secretAt(file.passphrase, [...at, 'passphrase'], resolving) };
  }
  return { kind: 'key-file', path: path.resolve(resolving.directory, file.key_file ?? '') };
}

type S3File = Extract<RepositoryFile, { type: 's3' }>;

function resolveServerSide(sse: S3File['sse']): S3RepositoryConfig['serverSideEncryption'] {
  if (sse === undefined || sse === 'none') return { kind: 'none' };
  if (sse === 's3') return { kind: 's3' };
  return { kind: 'kms', keyId: sse === 'kms' ? undefined : sse.kms };
}

/** The secret at a path of the file, with a warning when it is written there in plain text. */
export function secretAt(secret: SecretSource, at: YamlPath, resolving: Resolving): Secret {
  const { source, directory, env, warnings } = resolving;
  const written = source.written(at);
  if (written !== undefined && written !== '' && !isInterpolated(written)) {
    warnings.push(`${source.place(at)}: ${String(at.at(-1))} is written in the file; better "\${NAME}" or { from: env, name: NAME }`);
  }
  return resolveSecret(secret, source.place(at), directory, env);
}
