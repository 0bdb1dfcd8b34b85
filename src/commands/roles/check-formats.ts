import type { CheckCase, CheckFinding } from './check-findings.ts';

/**
 * Workflow commands, which GitHub Actions shows beside the line they name.
 *
 * @see https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
 */
export function githubReport(file: string, findings: readonly CheckFinding[]): string {
  return findings
    .map(({ severity, line, column, rule, message, safe }) => {
      const place = `file=${property(file)},line=${line},col=${column},title=${property(`roles: ${rule}`)}`;
      return `::${severity} ${place}::${data(`${message}\n${safe}`)}\n`;
    })
    .join('');
}

function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

/** The check as JUnit XML: a suite each for drift, never and lint, a case for everything that was looked at. */
export function junitReport(file: string, cases: readonly CheckCase[], fails: (finding: CheckFinding) => boolean): string {
  const suites = (['drift', 'never', 'lint'] as const).map((suite) => {
    const own = cases.filter((each) => each.suite === suite);
    const failed = own.filter(({ findings }) => findings.some(fails)).length;
    const lines = own.map((each) => `    ${junitCase(file, each, fails)}`);
    return [`  <testsuite name="${suite}" tests="${own.length}" failures="${failed}">`, ...lines, '  </testsuite>'].join('\n');
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="dbadmin roles check">\n${suites.join('\n')}\n</testsuites>\n`;
}

function junitCase(file: string, { suite, name, findings }: CheckCase, fails: (finding: CheckFinding) => boolean): string {
  const head = `<testcase classname="${escape(`${file} ${suite}`)}" name="${escape(name)}"`;
  if (findings.length === 0) return `${head}/>`;
  const text = findings.map((each) => `${file}:${each.line}:${each.column}: ${each.message}\n${each.safe}`).join('\n');
  const first = findings.find(fails) ?? findings[0];
  const body = findings.some(fails)
    ? `<failure message="${escape(first?.message ?? '')}">${escape(text)}</failure>`
    : `<system-out>${escape(text)}</system-out>`;
  return `${head}>${body}</testcase>`;
}

/** XML 1.0 has no way to write most control characters. */
function escape(text: string): string {
  return text
    .replaceAll(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
