import type { S3Place } from '../storage/s3-client.ts';

/** Who works on a repository: takes backups and receives WAL; restores; deletes what is no longer needed. */
export type StorageRole = 'writer' | 'restorer' | 'expirer';

export interface PolicyStatement {
  readonly Sid: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html */
export interface PolicyDocument {
  readonly Version: '2012-10-17';
  readonly Statement: readonly PolicyStatement[];
}

/** What a policy has to know of a repository. */
export type PolicyPlace = Pick<S3Place, 'bucket' | 'prefix' | 'region' | 'endpoint' | 'serverSideEncryption' | 'tags' | 'lockMode'>;

/** What a writer makes for a while and deletes itself; keys relative to the repository, `*` is anything. */
const PASSING = ['*/wal/*.part.*', '*/wal/*/horizon.*', '*/leases/*', 'spotify/*', 'check-*', 'probe-*'];
/** What an expirer makes: marks, leases and records of the WAL that it lets go, and new packs and indexes where it joins what is left of old ones. */
const MADE_BY_EXPIRER = ['*/marks/*', '*/holds/*', '*/leases/*', '*/expired/*', '*/packs/*', '*/indexes/*', 'check-*', 'probe-*'];
/** What an expirer may delete: everything of a lineage, and landed pages, but neither the repository's identity nor its keys. */
const DELETED_BY_EXPIRER = [
  ...[
    'packs',
    'indexes',
    'backups',
    'wal',
    'gaps',
    'expired',
    'dumps',
    'marks',
    'holds',
    'leases',
    'ledger',
    'drills',
    'verifications',
  ].map((part) => `*/${part}/*`),
  'spotify/*',
  'check-*',
  'probe-*',
];

/**
 * The least that a role needs, as an IAM policy for the repository at `place`: a writer cannot delete what is to be kept, a
 * restorer cannot write, an expirer cannot take the keys or the identity away. On AWS nobody may write over an object.
 *
 * Servers of other makers know most of it; conditions that only AWS has are left out where an endpoint is configured.
 */
export function storagePolicy(role: StorageRole, place: PolicyPlace): PolicyDocument {
  const partition = partitionOf(place.region);
  const bucket = `arn:${partition}:s3:::${place.bucket}`;
  const within = (keys: readonly string[]): readonly string[] =>
    keys.map((key) => `${bucket}/${place.prefix === '' ? '' : `${literally(place.prefix)}/`}${key}`);
  const statements: PolicyStatement[] = [
    { Sid: 'List', Effect: 'Allow', Action: ['s3:ListBucket'], Resource: [bucket], ...belowPrefix(place) },
    { Sid: 'Read', Effect: 'Allow', Action: ['s3:GetObject'], Resource: within(['*']) },
  ];
  if (role !== 'restorer') statements.push(...writing(role, place, bucket, within));
  statements.push(...keyUse(role, place, partition));
  return { Version: '2012-10-17', Statement: statements };
}

function writing(
  role: 'writer' | 'expirer',
  place: PolicyPlace,
  bucket: string,
  within: (keys: readonly string[]) => readonly string[],
): readonly PolicyStatement[] {
  const locks = place.lockMode !== undefined;
  const made = within(role === 'writer' ? ['*'] : MADE_BY_EXPIRER);
  const deleted = within(role === 'writer' ? PASSING : DELETED_BY_EXPIRER);
  const below = belowPrefix(place);
  const hasTags = Object.keys(place.tags ?? {}).length > 0;
  const statements: PolicyStatement[] = [
    { Sid: 'Create', Effect: 'Allow', Action: ['s3:PutObject', ...(hasTags ? ['s3:PutObjectTagging'] : [])], Resource: made },
    { Sid: 'GiveUpUploads', Effect: 'Allow', Action: ['s3:AbortMultipartUpload'], Resource: within(['*']) },
    // A bucket with locks keeps versions, as others may, and a delete names the one it means.
    {
      Sid: 'Delete',
      Effect: 'Allow',
      Action: [...(locks ? [] : ['s3:DeleteObject']), 's3:DeleteObjectVersion'],
      Resource: deleted,
    },
    { Sid: 'ListVersions', Effect: 'Allow', Action: ['s3:ListBucketVersions'], Resource: [bucket], ...below },
  ];
  if (role === 'expirer') {
    statements.push({ Sid: 'FindUploads', Effect: 'Allow', Action: ['s3:ListBucketMultipartUploads'], Resource: [bucket] });
  } else {
    statements.push({ Sid: 'CheckLocks', Effect: 'Allow', Action: ['s3:GetBucketObjectLockConfiguration'], Resource: [bucket] });
  }
  if (locks) {
    // S3 leaves a lock out of what it says of an object to those who lack these: a delete would then run into it.
    const see = ['s3:GetObjectRetention', 's3:GetObjectLegalHold'];
    statements.push({ Sid: 'SeeLocks', Effect: 'Allow', Action: see, Resource: within(['*']) });
    statements.push({ Sid: 'Lock', Effect: 'Allow', Action: ['s3:PutObjectRetention'], Resource: made });
  }
  if (place.endpoint === undefined) {
    statements.push({
      Sid: 'NeverOverwrite',
      Effect: 'Deny',
      Action: ['s3:PutObject'],
      Resource: within(['*']),
      // Requests that make an object must say If-None-Match; parts of an upload make none.
      Condition: { Null: { 's3:if-none-match': 'true' }, Bool: { 's3:ObjectCreationOperation': 'true' } },
    });
  }
  return statements;
}

/** Lets a bucket be listed below the prefix only. */
function belowPrefix({ prefix }: PolicyPlace): Pick<PolicyStatement, 'Condition'> {
  return prefix === '' ? {} : { Condition: { StringLike: { 's3:prefix': [`${literally(prefix)}/*`] } } };
}

/**
 * A text that stands for itself alone where a policy knows wildcards and variables.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-specialchars
 */
function literally(text: string): string {
  return text.replaceAll(/[*?]|\$(?=\{)/g, (character) => `\${${character}}`);
}

/** What KMS asks of who reads and writes objects under one of its keys; the account's own key for S3 needs nothing. */
function keyUse(role: StorageRole, place: PolicyPlace, partition: string): readonly PolicyStatement[] {
  const encryption = place.serverSideEncryption;
  if (encryption?.kind !== 'kms' || encryption.keyId === undefined) return [];
  const { keyId } = encryption;
  // A statement with the ARN of an alias speaks of the alias alone: the key behind it is named by a condition.
  const [, account = `arn:${partition}:kms:*:*`, named = keyId] = /^(arn:.*?):((?:key|alias)\/.*)$/.exec(keyId) ?? [];
  const isAlias = named.startsWith('alias/');
  const resource = keyId.startsWith('arn:') && !isAlias ? keyId : `${account}:key/${isAlias ? '*' : keyId}`;
  return [
    {
      Sid: 'UseKey',
      Effect: 'Allow',
      Action: role === 'restorer' ? ['kms:Decrypt'] : ['kms:Decrypt', 'kms:GenerateDataKey'],
      Resource: [resource],
      ...(isAlias ? { Condition: { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': named } } } : {}),
    },
  ];
}

/** By what their regions begin with; all others are of `aws`. */
const PARTITIONS: readonly (readonly [string, string])[] = [
  ['cn-', 'aws-cn'],
  ['us-gov-', 'aws-us-gov'],
  ['eusc-', 'aws-eusc'],
  ['us-iso-', 'aws-iso'],
  ['us-isob-', 'aws-iso-b'],
  ['eu-isoe-', 'aws-iso-e'],
  ['us-isof-', 'aws-iso-f'],
];

function partitionOf(region = ''): string {
  return PARTITIONS.find(([beginning]) => region.startsWith(beginning))?.[1] ?? 'aws';
}
