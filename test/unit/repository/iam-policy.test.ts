import { describe, expect, it } from 'vitest';
import { storagePolicy, type PolicyPlace, type StorageRole } from '../../../src/repository/iam-policy.ts';

const AWS: PolicyPlace = { bucket: 'acme', prefix: 'listening', region: 'eu-west-1' };
const sids = (role: StorageRole, place: PolicyPlace): readonly string[] => storagePolicy(role, place).Statement.map(({ Sid }) => Sid);

describe('iam policy', () => {
  it('of a restorer allows listing below the prefix and reading, and nothing else', () => {
    expect(storagePolicy('restorer', AWS)).toEqual({
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'List',
          Effect: 'Allow',
          Action: ['s3:ListBucket'],
          Resource: ['arn:aws:s3:::acme'],
          Condition: { StringLike: { 's3:prefix': ['listening/*'] } },
        },
        { Sid: 'Read', Effect: 'Allow', Action: ['s3:GetObject'], Resource: ['arn:aws:s3:::acme/listening/*'] },
      ],
    });
  });

  it('of a writer lets only what passes be deleted', () => {
    const [deletion] = storagePolicy('writer', AWS).Statement.filter(({ Sid }) => Sid === 'Delete');
    expect(deletion).toEqual({
      Sid: 'Delete',
      Effect: 'Allow',
      Action: ['s3:DeleteObject', 's3:DeleteObjectVersion'],
      Resource: ['*/wal/*.part.*', '*/wal/*/horizon.*', '*/leases/*', 'spotify/*', 'check-*', 'probe-*'].map(
        (key) => `arn:aws:s3:::acme/listening/${key}`,
      ),
    });
  });

  it('of an expirer reaches neither the identity nor the keys', () => {
    const touched = storagePolicy('expirer', AWS).Statement.filter(({ Sid }) => Sid === 'Delete' || Sid === 'Create');
    const resources = touched.flatMap(({ Resource }) => Resource);
    expect(resources.every((resource) => /listening\/(\*\/[a-z]+\/\*|spotify\/\*|check-\*|probe-\*)$/.test(resource))).toBe(true);
    expect(resources.some((resource) => resource.includes('keys'))).toBe(false);
  });

  it('forbids writing over an object on AWS, and leaves that condition out for other makers', () => {
    expect(sids('writer', AWS)).toContain('NeverOverwrite');
    expect(sids('writer', { ...AWS, endpoint: 'https://s3.example.org' })).not.toContain('NeverOverwrite');
    expect(sids('restorer', AWS)).not.toContain('NeverOverwrite');
  });

  it('names versions and locks where the bucket has Object Lock', () => {
    const { Statement } = storagePolicy('writer', { ...AWS, lockMode: 'governance' });
    expect(Statement.find(({ Sid }) => Sid === 'Delete')?.Action).toEqual(['s3:DeleteObjectVersion']);
    expect(Statement.find(({ Sid }) => Sid === 'Lock')?.Action).toEqual(['s3:PutObjectRetention']);
    expect(JSON.stringify(Statement)).not.toContain('Bypass');
  });

  it.each(['writer', 'expirer'] as const)('lets the %s see the locks and legal holds of everything that it may delete', (role) => {
    const see = storagePolicy(role, { ...AWS, lockMode: 'governance' }).Statement.find(({ Sid }) => Sid === 'SeeLocks');
    expect(see).toMatchObject({
      Effect: 'Allow',
      Action: ['s3:GetObjectRetention', 's3:GetObjectLegalHold'],
      Resource: ['arn:aws:s3:::acme/listening/*'],
    });
    expect(sids(role, AWS)).not.toContain('SeeLocks');
  });

  it('fits into an IAM policy, whatever the role', () => {
    const place: PolicyPlace = { ...AWS, bucket: 'b'.repeat(63), prefix: 'p'.repeat(40), lockMode: 'governance', tags: { team: 'dba' } };
    for (const role of ['writer', 'restorer', 'expirer'] as const)
      expect(JSON.stringify(storagePolicy(role, place)).length).toBeLessThan(6144);
  });

  it.each([
    ['1234abcd-12ab', 'arn:aws:kms:*:*:key/1234abcd-12ab', undefined],
    ['arn:aws:kms:eu-west-1:1:key/x', 'arn:aws:kms:eu-west-1:1:key/x', undefined],
    ['alias/backup', 'arn:aws:kms:*:*:key/*', { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': 'alias/backup' } }],
    // Of the ARN of an alias IAM makes no key.
    [
      'arn:aws:kms:eu-west-1:1:alias/backup',
      'arn:aws:kms:eu-west-1:1:key/*',
      { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': 'alias/backup' } },
    ],
  ])('allows the use of KMS key %s', (keyId, resource, condition) => {
    const place: PolicyPlace = { ...AWS, serverSideEncryption: { kind: 'kms', keyId } };
    const use = storagePolicy('writer', place).Statement.find(({ Sid }) => Sid === 'UseKey');
    expect(use).toMatchObject({ Action: ['kms:Decrypt', 'kms:GenerateDataKey'], Resource: [resource] });
    expect(use?.Condition).toEqual(condition);
    expect(storagePolicy('restorer', place).Statement.find(({ Sid }) => Sid === 'UseKey')?.Action).toEqual(['kms:Decrypt']);
  });

  it('reaches no further than a prefix with characters that mean more to IAM', () => {
    const [list, read] = storagePolicy('restorer', { ...AWS, prefix: 'a*b?c$d${aws:username}' }).Statement;
    const literal = 'a${*}b${?}c$d${$}{aws:username}/*';
    expect(list?.Condition).toEqual({ StringLike: { 's3:prefix': [literal] } });
    expect(read?.Resource).toEqual([`arn:aws:s3:::acme/${literal}`]);
  });

  it('follows prefix, tags and region', () => {
    const policy = storagePolicy('writer', { bucket: 'b', prefix: '', region: 'cn-north-1', tags: { team: 'dba' } });
    expect(policy.Statement[0]).toEqual({ Sid: 'List', Effect: 'Allow', Action: ['s3:ListBucket'], Resource: ['arn:aws-cn:s3:::b'] });
    expect(policy.Statement.find(({ Sid }) => Sid === 'Create')).toMatchObject({
      Action: ['s3:PutObject', 's3:PutObjectTagging'],
      Resource: ['arn:aws-cn:s3:::b/*'],
    });
  });

  it.each([
    ['us-gov-west-1', 'aws-us-gov'],
    ['eusc-de-east-1', 'aws-eusc'],
    ['us-isob-east-1', 'aws-iso-b'],
    ['us-east-1', 'aws'],
  ])('names what lies in %s as %s does', (region, partition) => {
    expect(storagePolicy('restorer', { ...AWS, region }).Statement[0]?.Resource).toEqual([`arn:${partition}:s3:::acme`]);
  });
});
