import type { Assertion } from './tap.ts';

/** An assertion with its place. */
export interface PlacedAssertion extends Assertion {
  /** Line of the statement in the file. */
  readonly line: number;
}

export interface TestFailure {
  readonly line: number;
  readonly message: string;
  readonly detail: string | undefined;
}

/** What one file came to. */
export interface TestResult {
  /** Path relative to the project. */
  readonly file: string;
  readonly passed: boolean;
  /** pgTAP's; empty for a file that passes by raising nothing. */
  readonly assertions: readonly PlacedAssertion[];
  /** What raised, or what was wrong with the plan; undefined when each assertion says for itself. */
  readonly failure: TestFailure | undefined;
  readonly tookMs: number;
}

/** Whether an assertion stands in the way of the file. */
export function isFailed({ passed, directive }: Assertion): boolean {
  return !passed && directive !== 'todo';
}

/** What a file came to: pgTAP's assertions held, as many as were planned, and nothing raised. */
export function judgeTest(
  found: Omit<TestResult, 'passed'> & { readonly planned: number | undefined; readonly bailedOut: string | undefined },
): TestResult {
  const { planned, bailedOut, ...result } = found;
  const ran = result.assertions.length;
  const message =
    bailedOut !== undefined
      ? `bailed out: ${bailedOut}`
      : planned !== undefined && planned !== ran
        ? `${planned} assertions were planned and ${ran} ran`
        : undefined;
  const failure = result.failure ?? (message === undefined ? undefined : { line: 1, message, detail: undefined });
  return { ...result, failure, passed: failure === undefined && !result.assertions.some(isFailed) };
}
