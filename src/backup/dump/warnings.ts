/** What pg_dump said of a database that it dumped. */
export interface DumpWarning {
  readonly database: string;
  /** A sentence of pg_dump or of the server, with its details. */
  readonly text: string;
}

/** What a pg_dump that ended well wrote to stderr, each warning as one line: `subscriptions not dumped because current user is not a superuser`. */
export function warningsOf(said: string): readonly string[] {
  const warnings: string[] = [];
  for (const line of said.split('\n')) {
    const text = line.trim().replace(/^pg_dump: (?:warning: )?/, '');
    if (text === '') continue;
    const goesOn = /^(?:\s|(?:pg_dump: )?(?:detail|hint):)/i.test(line);
    const last = goesOn ? warnings.pop() : undefined;
    warnings.push(last === undefined ? text : `${last} ${text}`);
  }
  return warnings;
}
