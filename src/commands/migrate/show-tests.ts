import { formatDuration } from '../../base/durations.ts';
import { isFailed, type TestResult } from '../../migrate/test/result.ts';
import type { Output } from '../output.ts';
import { count } from './load-migrations.ts';

/** One file, as soon as it ended. */
export function showTest(output: Output, { file, passed, assertions, failure, tookMs }: TestResult): void {
  const counted = assertions.length === 0 ? '' : count(assertions.length, 'assertion');
  const word = passed ? output.style('good', 'ok  ') : output.style('bad', 'FAIL');
  output.line(`${word} ${file.padEnd(48)} ${counted.padStart(14)}   ${formatDuration(tookMs)}`);
  for (const each of assertions.filter(isFailed)) {
    output.line(`     ${file}:${each.line}: ${each.description === '' ? `assertion ${each.number}` : each.description}`);
    for (const line of each.diagnostics) output.line(`       ${line}`);
  }
  if (failure === undefined) return;
  output.line(`     ${file}:${failure.line}: ${failure.message}`);
  for (const line of (failure.detail ?? '').split('\n')) if (line !== '') output.line(`       ${line}`);
}

/** All of them. Gives whether all passed. */
export function showTests(
  output: Output,
  results: readonly TestResult[],
  { where, kind, text }: { readonly where: string; readonly kind: 'scratch' | 'live'; readonly text: boolean },
): boolean {
  const failed = results.filter(({ passed }) => !passed).length;
  const assertions = results.reduce((sum, each) => sum + each.assertions.length, 0);
  const counts = { files: results.length, passed: results.length - failed, failed, assertions };
  const summary = `${count(results.length, 'test')} in ${where}: ${failed === 0 ? 'all passed' : `${failed} failed`}; everything is rolled back`;
  if (text && results.length > 0) output.line(summary);
  output.result({
    where: kind,
    files: results.map((result) => ({
      file: result.file,
      passed: result.passed,
      assertions: result.assertions.map(({ number, line, description, passed, directive, diagnostics }) => {
        return { number, line, description, passed, directive: directive ?? null, diagnostics };
      }),
      failure: result.failure === undefined ? null : { ...result.failure, detail: result.failure.detail ?? null },
      tookMs: result.tookMs,
    })),
    counts,
  });
  return failed === 0;
}
