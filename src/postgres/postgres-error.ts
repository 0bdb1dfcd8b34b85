/** What the server said in an ErrorResponse or NoticeResponse. `code` is the SQLSTATE. */
export interface ServerMessage {
  /** `ERROR`, `FATAL`, `PANIC`, `WARNING`, `NOTICE`, … never translated. */
  readonly severity: string;
  readonly code: string;
  readonly message: string;
  readonly detail: string | undefined;
  readonly hint: string | undefined;
}

/** An error that the server reported. */
export class PostgresError extends Error implements ServerMessage {
  override readonly name = 'PostgresError';
  readonly severity: string;
  readonly code: string;
  readonly detail: string | undefined;
  readonly hint: string | undefined;

  constructor(said: ServerMessage) {
    super(said.message);
    this.severity = said.severity;
    this.code = said.code;
    this.detail = said.detail;
    this.hint = said.hint;
  }
}

/**
 * Whether the server reported it, to us or to the library for ordinary SQL. The form of the `code` does not tell: a system's, as EPIPE,
 * may look like an SQLSTATE.
 */
export function isServerError(error: unknown): boolean {
  return error instanceof Error && error.name === 'PostgresError';
}

/** One line for a person: `ERROR 55000: … (detail) hint`. */
export function describeServerMessage(said: ServerMessage): string {
  const detail = said.detail === undefined ? '' : ` (${said.detail})`;
  return `${said.severity} ${said.code}: ${said.message}${detail}`;
}

/**
 * Reads the body of an ErrorResponse or NoticeResponse: fields of one letter and a zero-terminated text each.
 *
 * @see https://www.postgresql.org/docs/current/protocol-error-fields.html
 */
export function parseServerMessage(body: Buffer): ServerMessage {
  const fields = new Map<string, string>();
  let offset = 0;
  while (offset < body.length && body[offset] !== 0) {
    const end = body.indexOf(0, offset + 1);
    if (end < 0) break;
    fields.set(String.fromCharCode(body[offset] ?? 0), body.toString('utf8', offset + 1, end));
    offset = end + 1;
  }
  return {
    // V is S untranslated.
    severity: fields.get('V') ?? fields.get('S') ?? 'ERROR',
    code: fields.get('C') ?? 'XX000',
    message: fields.get('M') ?? 'the server gave no message',
    detail: fields.get('D'),
    hint: fields.get('H'),
  };
}
