import type { IncomingHttpHeaders } from 'node:http';
import type { PolicyDocument, PolicyStatement } from '../../src/repository/iam-policy.ts';

/** One thing that a request needs to be allowed to do. */
export interface Need {
  readonly action: string;
  /** The ARN of the bucket or object. */
  readonly resource: string;
  /** Condition keys of the request; absent ones are absent. */
  readonly context: Readonly<Record<string, string>>;
}

/**
 * What S3 demands of whoever sends a request, as the service authorization reference has it. Throws for a request it does
 * not know, so that no call of the client goes unjudged.
 *
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
 */
export function needsOf(method: string, url: string, headers: IncomingHttpHeaders): readonly Need[] {
  const { pathname, searchParams: query } = new URL(url, 'http://s3');
  const [, bucket = '', ...rest] = pathname.split('/').map((part) => decodeURIComponent(part));
  const key = rest.join('/');
  const need = (action: string, context: Need['context'] = {}): Need => ({
    action: `s3:${action}`,
    resource: `arn:aws:s3:::${bucket}${key === '' ? '' : `/${key}`}`,
    context,
  });
  if (key === '') return [bucketNeed(method, query, need)];
  switch (method) {
    case 'HEAD':
    case 'GET':
      return [need('GetObject')];
    case 'DELETE':
      if (query.has('uploadId')) return [need('AbortMultipartUpload')];
      return [need(query.has('versionId') ? 'DeleteObjectVersion' : 'DeleteObject')];
    case 'PUT':
      if (query.has('retention')) return [need('PutObjectRetention')];
      return query.has('partNumber') ? [need('PutObject', creation(headers, false))] : creating(need, headers, true);
    case 'POST':
      if (query.has('uploads')) return creating(need, headers, false);
      if (query.has('uploadId')) return [need('PutObject', creation(headers, true))];
  }
  throw new Error(`nobody knows what ${method} ${url} needs`);
}

/** What S3 leaves out of its answer about an object unless the asker may do this, too. */
const SHOWN_TO: Readonly<Record<string, readonly string[]>> = {
  GetObjectRetention: ['x-amz-object-lock-mode', 'x-amz-object-lock-retain-until-date'],
  GetObjectLegalHold: ['x-amz-object-lock-legal-hold'],
};

/**
 * The headers that S3 leaves out of its answer to this request, for what the policy does not allow.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
 */
export function hiddenHeaders(policy: PolicyDocument, method: string, url: string): readonly string[] {
  if (method !== 'HEAD' && method !== 'GET') return [];
  const { pathname } = new URL(url, 'http://s3');
  const [, bucket = '', ...rest] = pathname.split('/').map((part) => decodeURIComponent(part));
  const resource = `arn:aws:s3:::${bucket}/${rest.join('/')}`;
  return Object.entries(SHOWN_TO).flatMap(([action, names]) =>
    judge(policy, { action: `s3:${action}`, resource, context: {} }).isAllowed ? [] : names,
  );
}

function bucketNeed(method: string, query: URLSearchParams, need: (action: string, context?: Need['context']) => Need): Need {
  if (method === 'GET' && query.get('list-type') === '2') {
    const prefix = query.get('prefix');
    return need('ListBucket', prefix === null ? {} : { 's3:prefix': prefix });
  }
  if (method === 'GET' && query.has('versions')) return need('ListBucketVersions', { 's3:prefix': query.get('prefix') ?? '' });
  if (method === 'HEAD') return need('ListBucket');
  if (method === 'GET' && query.has('uploads')) return need('ListBucketMultipartUploads');
  if (method === 'GET' && query.has('object-lock')) return need('GetBucketObjectLockConfiguration');
  throw new Error(`nobody knows what ${method} of the bucket needs (${query.toString()})`);
}

function creating(
  need: (action: string, context?: Need['context']) => Need,
  headers: IncomingHttpHeaders,
  makesObject: boolean,
): readonly Need[] {
  return [
    need('PutObject', creation(headers, makesObject)),
    ...(headers['x-amz-tagging'] === undefined ? [] : [need('PutObjectTagging')]),
    ...(headers['x-amz-object-lock-mode'] === undefined ? [] : [need('PutObjectRetention')]),
  ];
}

function creation(headers: IncomingHttpHeaders, makesObject: boolean): Need['context'] {
  const condition = headers['if-none-match'];
  return { 's3:ObjectCreationOperation': String(makesObject), ...(condition === undefined ? {} : { 's3:if-none-match': condition }) };
}

/** Whether a policy allows it: some statement allows, and none denies. Gives the statement that decided. */
export function judge(
  policy: PolicyDocument,
  need: Need,
): { readonly isAllowed: boolean; readonly statement: PolicyStatement | undefined } {
  const matching = policy.Statement.filter((statement) => applies(statement, need));
  const denying = matching.find(({ Effect }) => Effect === 'Deny');
  if (denying !== undefined) return { isAllowed: false, statement: denying };
  return { isAllowed: matching.length > 0, statement: matching[0] };
}

function applies(statement: PolicyStatement, need: Need): boolean {
  return (
    statement.Action.includes(need.action) &&
    statement.Resource.some((resource) => matches(resource, need.resource)) &&
    Object.entries(statement.Condition ?? {}).every(([operator, tests]) =>
      Object.entries(tests).every(([name, wanted]) => holds(operator, need.context[name], typeof wanted === 'string' ? [wanted] : wanted)),
    )
  );
}

function holds(operator: string, found: string | undefined, wanted: readonly string[]): boolean {
  switch (operator) {
    case 'StringLike':
      return found !== undefined && wanted.some((pattern) => matches(pattern, found));
    case 'Null':
      return wanted.includes(String(found === undefined));
    case 'Bool':
      return found !== undefined && wanted.includes(found);
    default:
      throw new Error(`condition ${operator} is not known here`);
  }
}

/** IAM's wildcards: `*` is anything, slashes too, and `?` one character. */
function matches(pattern: string, text: string): boolean {
  const expression = pattern
    .replace(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${expression}$`, 's').test(text);
}
