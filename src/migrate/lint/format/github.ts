import type { Finding } from '../finding.ts';

/**
 * Workflow commands, which GitHub Actions shows beside the line they name.
 *
 * @see https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
 */
export function formatGithub(findings: readonly Finding[]): readonly string[] {
  return findings.map((each) => {
    const place = `file=${property(each.file)},line=${each.line},col=${each.column},title=${property(`${each.rule}: ${each.message}`)}`;
    const text = [...(each.blocked === undefined ? [] : [`${each.blocked}.`]), each.why, `safe: ${each.safe}`].join('\n');
    return `::${each.severity} ${place}::${data(text)}`;
  });
}

function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
