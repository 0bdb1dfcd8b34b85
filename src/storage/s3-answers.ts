import { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { DbadminError } from '../base/errors.ts';

interface HttpAnswer {
  statusCode: number;
  body?: unknown;
}

/** An error is all that there is, and not a word in the name of an object. */
const IS_ERROR = /^\s*(?:<\?xml[^>]*\?>\s*)?<Error[\s>][\s\S]*<\/Error>\s*$/;

/**
 * Has an error that comes with status 200, as S3 gives it to what took it long, taken for one. The SDK does so where nothing follows it,
 * not even a line end. A content that is read may be such a text by itself.
 */
export function addErrorSight(client: S3Client): void {
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        const result = await next(args);
        const answer = result.response as HttpAnswer;
        if (commandName === 'GetObjectCommand' || answer.statusCode !== 200 || !(answer.body instanceof Readable)) return result;
        const pieces: Uint8Array[] = [];
        for await (const piece of answer.body as AsyncIterable<Uint8Array>) pieces.push(piece);
        const bytes = Buffer.concat(pieces);
        const isError = IS_ERROR.test(bytes.toString('utf8'));
        // As the SDK has it: one that may pass, unless its name says otherwise.
        if (isError) answer.statusCode = 503;
        answer.body = Readable.from([isError ? Buffer.from(bytes.toString('utf8').trim()) : bytes]);
        return result;
      },
    { step: 'deserialize', priority: 'low', name: 'dbadminErrorSight' },
  );
}

/** Where a listing stands: what the server is told to go on from. */
export type Markers = readonly (string | undefined)[];

/**
 * Where a listing goes on behind a page, or undefined where that was the last. `from` is where the page began.
 *
 * @throws {DbadminError} `storage-failed` when it is said to go on, and not from where, or from where it was: it would never end.
 */
export function nextMarkers(description: string, isTruncated: boolean | undefined, from: Markers, next: Markers): Markers | undefined {
  if (isTruncated !== true) return undefined;
  const isKnown = next[0] !== undefined && next[0] !== '';
  if (isKnown && next.some((marker, n) => marker !== from[n])) return next;
  throw new DbadminError('storage-failed', `${description} cut a listing short`, {
    detail: isKnown
      ? 'It says that there is more, and tells to go on from where it was.'
      : 'It says that there is more, and does not tell from where to go on.',
  });
}
