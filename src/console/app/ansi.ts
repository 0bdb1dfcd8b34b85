/** A stretch of a line in one style. */
export interface Span {
  readonly text: string;
  /** `bad`, `warn`, `ok`, `dim`, `bold`: classes of the log. */
  readonly style: string;
}

const ESCAPE = '\u001b';
const BELL = '\u0007';
const CONTROL = new RegExp(
  [
    // Only those that end in m set a style; the others move a cursor that a log does not have.
    `${ESCAPE}\\[([\\d;:?]*)([@-~])`,
    // The title of a window, and the like.
    `${ESCAPE}\\][^\\p{Cc}]*(?:${BELL}|${ESCAPE}\\\\)?`,
    `${ESCAPE}[@-Z\\\\^_]`,
    '(?!\\t)\\p{Cc}',
  ].join('|'),
  'gu',
);
const COLOURS: Readonly<Record<string, string>> = { 31: 'bad', 91: 'bad', 33: 'warn', 93: 'warn', 32: 'ok', 92: 'ok', 90: 'dim' };

/** A line of a terminal's output as text in styles: colours as the few that mean something here, every other code left out. */
export function readAnsi(line: string): readonly Span[] {
  const spans: Span[] = [];
  let style: Style = PLAIN;
  let from = 0;
  const push = (to: number): void => {
    if (to > from) spans.push({ text: line.slice(from, to), style: [style.colour, style.weight].filter((each) => each !== '').join(' ') });
  };
  for (const match of line.matchAll(CONTROL)) {
    push(match.index);
    from = match.index + match[0].length;
    if (match[2] === 'm') style = styleAfter(style, match[1] ?? '');
  }
  push(line.length);
  return spans;
}

/** The line without any code, for the clipboard. */
export function plainText(line: string): string {
  return line.replace(CONTROL, '');
}

interface Style {
  readonly colour: string;
  readonly weight: string;
}

const PLAIN: Style = { colour: '', weight: '' };

function styleAfter(before: Style, codes: string): Style {
  let style = before;
  const list = codes.split(/[;:]/);
  for (let index = 0; index < list.length; index += 1) {
    const code = list[index] ?? '';
    if (code === '' || code === '0') style = PLAIN;
    // 38;5;n and 38;2;r;g;b: a colour out of many means nothing here.
    else if (code === '38' || code === '48') index += list[index + 1] === '5' ? 2 : 4;
    else if (code === '1') style = { ...style, weight: 'bold' };
    else if (code === '2') style = { ...style, weight: 'dim' };
    else if (code === '22') style = { ...style, weight: '' };
    else if (code === '39') style = { ...style, colour: '' };
    else if (/^(3|9)[0-7]$/.test(code)) style = { ...style, colour: COLOURS[code] ?? '' };
  }
  return style;
}
