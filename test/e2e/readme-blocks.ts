/** One step of the README, in the order in which a reader meets them. */
export type Step =
  | { readonly kind: 'command'; readonly line: number; readonly command: string; readonly output: readonly string[] }
  | { readonly kind: 'sql'; readonly line: number; readonly text: string }
  | { readonly kind: 'file'; readonly line: number; readonly path: string; readonly text: string };

/**
 * What a reader is told to do: each `$ …` of a console block with the output below it, each sql block, and each block that
 * an HTML comment `file: PATH` makes the content of a file. Other blocks are only shown.
 */
export function readSteps(markdown: string): readonly Step[] {
  const steps: Step[] = [];
  let path: string | undefined;
  const lines = markdown.split('\n');
  for (let index = 0; index < lines.length; index += 1) {
    const text = lines[index] ?? '';
    const named = /^<!-- file: (\S+) -->$/.exec(text)?.[1];
    if (named !== undefined) path = named;
    const language = /^```(\w+)$/.exec(text)?.[1];
    if (language === undefined) continue;
    const end = lines.indexOf('```', index + 1);
    const body = lines.slice(index + 1, end);
    if (path !== undefined) steps.push({ kind: 'file', line: index + 1, path, text: `${body.join('\n')}\n` });
    else if (language === 'sql') steps.push({ kind: 'sql', line: index + 1, text: body.join('\n') });
    else if (language === 'console') steps.push(...readCommands(body, index + 2));
    path = undefined;
    index = end;
  }
  return steps;
}

function readCommands(body: readonly string[], firstLine: number): readonly Step[] {
  const starts = body.flatMap((text, index) => (text.startsWith('$ ') ? [index] : []));
  return starts.map((start, index) => ({
    kind: 'command',
    line: firstLine + start,
    command: (body[start] ?? '').slice(2),
    output: body.slice(start + 1, starts[index + 1]),
  }));
}

/** The lines of a text block that shows an excerpt of a program's output, found by its first line. */
export function excerptFrom(markdown: string, firstLine: string): readonly string[] {
  const lines = markdown.split('\n');
  const start = lines.indexOf(firstLine);
  return start === -1 ? [] : lines.slice(start, lines.indexOf('```', start));
}

/** The words of a command line: spaces part them, double quotes hold them together. */
export function words(command: string): readonly string[] {
  return [...command.matchAll(/"([^"]*)"|\S+/g)].map(([word, quoted]) => quoted ?? word);
}

const VOLATILE: readonly (readonly [RegExp, string])[] = [
  [/\/\S*\/dbadmin-demo-\w+/g, '<demo>'],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z/g, '<time>'],
  [/\/\S*\/dbadmin-drill-\w+/g, '<drill>'],
  [/\d+ indexes and \d+ tables/g, '<count> indexes and <count> tables'],
  [/signed by [0-9a-f]{4}(:[0-9a-f]{4})+/g, 'signed by <key>'],
  [/ of \d+;/g, ' of <count>;'],
  [/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?( \+00:00)?/g, '<time>'],
  [/PostgreSQL (\d+)\.\d+/g, 'PostgreSQL $1.<minor>'],
  [/\d{8}T\d{6}Z/g, '<label>'],
  [/\b[0-9A-F]+\/[0-9A-F]+\b/g, '<lsn>'],
  [/\b\d{19}\b/g, '<system identifier>'],
  [/\b\d+(\.\d+)? (B|kB|MB|GB|TB)\b/g, '<size>'],
  [/\b\d+(\.\d+)? (ms|s|min|h)\b( \d+ (s|min)\b)?/g, '<span>'],
  [/\b\d+ files\b/g, '<count> files'],
  [/\bxid \d+/g, 'xid <xid>'],
  [/127\.0\.0\.1:\d+/g, '127.0.0.1:<port>'],
  [/\/\S*\/repository/g, '<repository>'],
  [/ +$/g, ''],
  [/ {2,}/g, '  '],
  [/^<time> {2}\d+ {2}<lsn>/g, '<time>  <xid>  <lsn>'],
];

/** A line of output without what differs from run to run: times, sizes, positions, names made of them, ports, columns' widths. */
export function settled(line: string): string {
  return VOLATILE.reduce((text, [pattern, name]) => text.replaceAll(pattern, name), line);
}
