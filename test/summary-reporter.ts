import { writeFileSync } from 'node:fs';
import type { Reporter, TestCase, TestModule, Vitest } from 'vitest/node';

export interface Summary {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: readonly string[];
  /** The names of the failed tests, each with the first line of why. */
  readonly failures: readonly string[];
}

/**
 * Ends a run with the names of the skipped tests and their reasons, so that none is skipped silently, those of the failed
 * ones, so that whoever sees only the end knows them, and one line of counts. Files that do not load and errors outside of tests count as failures: a run without them is not a good one.
 * With `DBADMIN_TEST_SUMMARY=FILE` the counts go into that file too, as a `Summary`.
 */
export default class SummaryReporter implements Reporter {
  #filtered = false;

  onInit(vitest: Vitest): void {
    this.#filtered = vitest.config.testNamePattern !== undefined;
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const passed = tests.filter((test) => test.result().state === 'passed').length;
    const broken = modules.reduce((sum, module) => sum + module.errors().length + brokenSuites(module), 0);
    const failed = tests.filter((test) => test.result().state === 'failed').length + broken + unhandledErrors.length;
    const skipped = tests.filter((test) => test.result().state === 'skipped').map(describeSkipped);
    const failures = tests.filter((test) => test.result().state === 'failed').map(describeFailed);
    const file = process.env['DBADMIN_TEST_SUMMARY'];
    if (file !== undefined && file !== '') writeFileSync(file, JSON.stringify({ passed, failed, skipped, failures } satisfies Summary));
    // With -t, everything else is left out on purpose and would fill the screen.
    const lines = [
      ...(this.#filtered ? [] : skipped).map((line) => `skipped: ${line}`),
      ...failures.map((line) => `failed: ${line}`),
      `${passed} passed, ${failed} failed, ${skipped.length} skipped`,
    ];
    process.stdout.write(`${lines.join('\n')}\n`);
  }
}

/** Suites whose own hooks failed: their tests are told as skipped, or not at all. */
function brokenSuites(module: TestModule): number {
  return [...module.children.allSuites()].filter((suite) => suite.errors().length > 0).length;
}

function describeSkipped(test: TestCase): string {
  const result = test.result();
  const reason = result.state === 'skipped' && result.note !== undefined ? result.note : 'no reason given';
  return `${test.module.relativeModuleId} > ${test.fullName} (${reason})`;
}

function describeFailed(test: TestCase): string {
  const [why = ''] = (test.result().errors?.[0]?.message ?? '').split('\n', 1);
  return `${test.module.relativeModuleId} > ${test.fullName}: ${why}`;
}
