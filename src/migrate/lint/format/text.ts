import type { Finding, Severity } from '../finding.ts';

/** How text is shown on a terminal; the identity where there is no colour. */
export type Style = (kind: 'bad' | 'warn' | 'dim' | 'bold', text: string) => string;

const STYLE: Readonly<Record<Severity, Parameters<Style>[0]>> = { error: 'bad', warning: 'warn', notice: 'dim' };

/**
 * Findings for people: one block each, grouped by file, with who waits, why, and what to write instead. What was said of an earlier
 * one in the same words is not said again.
 */
export function formatText(findings: readonly Finding[], style: Style): readonly string[] {
  const lines: string[] = [];
  const said = new Set<string>();
  const isNew = (text: string): boolean => !said.has(text) && said.add(text).has(text);
  let file: string | undefined;
  for (const each of findings) {
    if (each.file !== file) {
      if (file !== undefined) lines.push('');
      lines.push(style('bold', each.file));
      file = each.file;
    }
    const inside = each.inside.length === 0 ? '' : style('dim', `   in ${each.inside.join(', ')}`);
    const place = `${each.line}:${each.column}`.padStart(7);
    lines.push(`${place}  ${style(STYLE[each.severity], each.severity.padEnd(7))}  ${each.message}${inside}   ${style('dim', each.rule)}`);
    const sentences = [...(each.blocked === undefined ? [] : [sentence(each.blocked)]), ...(isNew(each.why) ? [each.why] : [])];
    for (const line of sentences.flatMap((one) => wrap(one))) lines.push(`${INDENT}${line}`);
    if (!isNew(each.safe)) continue;
    // SQL stays on its line, to be copied.
    const safe = each.safe.split('\n').flatMap((line) => (line.includes(';') ? [line.trim()] : wrap(line.trim())));
    lines.push(`${INDENT}${style('dim', 'safe:')} ${safe[0] ?? ''}`, ...safe.slice(1).map((line) => `${INDENT}      ${line}`));
  }
  return lines;
}

const INDENT = ' '.repeat(9);

const WIDTH = 110;

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function wrap(text: string): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + word.length >= WIDTH) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return line === '' ? lines : [...lines, line];
}

/** `2 errors, 1 warning`; `nothing` where there is none. */
export function countText(findings: readonly Finding[]): string {
  const parts = (['error', 'warning', 'notice'] as const).flatMap((severity) => {
    const number = findings.filter((each) => each.severity === severity).length;
    return number === 0 ? [] : [`${number.toLocaleString('en')} ${severity}${number === 1 ? '' : 's'}`];
  });
  return parts.length === 0 ? 'nothing' : parts.join(', ');
}
