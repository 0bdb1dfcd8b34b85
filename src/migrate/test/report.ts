import { isFailed, type TestResult } from './result.ts';

/**
 * The results as TAP: one line for each assertion, or for the file where it has none.
 *
 * @see https://testanything.org/tap-specification.html
 */
export function tapReport(results: readonly TestResult[]): string {
  const lines: string[] = [];
  let number = 0;
  const point = (passed: boolean, text: string, after: readonly string[]): void => {
    number += 1;
    lines.push(`${passed ? 'ok' : 'not ok'} ${number} - ${text.replaceAll('#', '\\#')}`, ...after.map((line) => `# ${line}`));
  };
  for (const { file, passed, assertions, failure } of results) {
    for (const each of assertions) {
      const { description, directive, reason, line, diagnostics } = each;
      number += 1;
      const note = directive === undefined ? '' : ` # ${directive.toUpperCase()} ${reason}`.trimEnd();
      const what = description === '' ? '' : ` ${description.replaceAll('#', '\\#')}`;
      lines.push(`${each.passed ? 'ok' : 'not ok'} ${number} - ${file}:${line}${what}${note}`, ...diagnostics.map((text) => `# ${text}`));
    }
    if (failure !== undefined) point(false, `${file}:${failure.line} ${failure.message}`, (failure.detail ?? '').split('\n'));
    else if (assertions.length === 0) point(passed, file, []);
  }
  return `${['TAP version 13', ...lines, `1..${number}`].join('\n')}\n`;
}

/** The results as JUnit XML: a suite for each file, a case for each assertion. */
export function junitReport(results: readonly TestResult[]): string {
  const suites = results.map((result) => {
    const { file, assertions, failure, tookMs } = result;
    const cases = assertions.map((each) => {
      const name = each.description === '' ? `assertion ${each.number}` : each.description;
      const body =
        each.directive === 'skip'
          ? `<skipped message="${escape(each.reason)}"/>`
          : isFailed(each)
            ? `<failure message="${escape(`${file}:${each.line}`)}">${escape(each.diagnostics.join('\n'))}</failure>`
            : '';
      return `    <testcase classname="${escape(file)}" name="${escape(name)}" line="${each.line}">${body}</testcase>`;
    });
    if (failure !== undefined || assertions.length === 0) {
      const body =
        failure === undefined
          ? ''
          : `<failure message="${escape(`${file}:${failure.line}: ${failure.message}`)}">${escape(failure.detail ?? '')}</failure>`;
      cases.push(`    <testcase classname="${escape(file)}" name="${escape(file)}" time="${seconds(tookMs)}">${body}</testcase>`);
    }
    const failures = assertions.filter(isFailed).length + (failure === undefined ? 0 : 1);
    const skipped = assertions.filter(({ directive }) => directive === 'skip').length;
    return [
      `  <testsuite name="${escape(file)}" tests="${cases.length}" failures="${failures}" skipped="${skipped}" time="${seconds(tookMs)}">`,
      ...cases,
      '  </testsuite>',
    ].join('\n');
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="dbadmin migrate test">\n${suites.map((each) => `${each}\n`).join('')}</testsuites>\n`;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

function escape(text: string): string {
  // XML has no way to write control characters.
  return Array.from(text)
    .filter((char) => char >= ' ' || char === '\n' || char === '\t')
    .join('')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\n', '&#10;');
}
