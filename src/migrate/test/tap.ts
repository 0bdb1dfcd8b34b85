/** One line `ok 3 - what` with what follows it. */
export interface Assertion {
  readonly passed: boolean;
  readonly number: number;
  readonly description: string;
  /** Why it does not count: expected to fail, or not run. */
  readonly directive: 'todo' | 'skip' | undefined;
  readonly reason: string;
  /** Lines that began with `#`, without it. */
  readonly diagnostics: readonly string[];
}

/** What a piece of TAP says. */
export interface TapPiece {
  readonly assertions: readonly Assertion[];
  /** How many are to come; from `1..3`. */
  readonly planned: number | undefined;
  readonly bailedOut: string | undefined;
  /** Diagnostics before any assertion. */
  readonly diagnostics: readonly string[];
}

const RESULT = /^(not )?ok\b(?:\s+(\d+))?(?:\s+-)?\s*(.*?)\s*(?:#\s*(todo|skip)\b:?\s*(.*))?$/i;
const PLAN = /^1\.\.(\d+)\b/;

/**
 * Reads lines as pgTAP's functions return them; anything else than TAP is passed over. `seen` is how many assertions came before.
 *
 * @see https://testanything.org/tap-specification.html
 */
export function readTap(text: string, seen: number): TapPiece {
  const assertions: (Omit<Assertion, 'diagnostics'> & { readonly diagnostics: string[] })[] = [];
  const diagnostics: string[] = [];
  let planned: number | undefined;
  let bailedOut: string | undefined;
  for (const line of text.split('\n')) {
    const plan = PLAN.exec(line);
    const result = RESULT.exec(line);
    if (plan !== null) planned = Number(plan[1]);
    else if (line.startsWith('Bail out!')) bailedOut = line.slice('Bail out!'.length).trim();
    else if (line.startsWith('#')) (assertions.at(-1)?.diagnostics ?? diagnostics).push(line.slice(1).trim());
    else if (result !== null) {
      const [, not, number, description = '', directive, reason = ''] = result;
      assertions.push({
        passed: not === undefined,
        number: number === undefined ? seen + assertions.length + 1 : Number(number),
        description,
        directive: directive === undefined ? undefined : directive.toLowerCase() === 'todo' ? 'todo' : 'skip',
        reason,
        diagnostics: [],
      });
    }
  }
  return { assertions, planned, bailedOut, diagnostics };
}
