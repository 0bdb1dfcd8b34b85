/** What the `postgres` package throws where nobody can catch it. */

/**
 * Whether an uncaught error is the driver's writing to a connection that the server has closed just before. Its query has failed or
 * fails by its timeout, so that the process need not end. In 3.4.9.
 *
 * @see https://github.com/porsager/postgres/issues/1154
 */
export function isWriteToClosedConnection(error: unknown): boolean {
  return error instanceof TypeError && error.message.includes("(reading 'write')") && /^ +at .*\bnextWrite\b/m.test(error.stack ?? '');
}
