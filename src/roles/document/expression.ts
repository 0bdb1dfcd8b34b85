/**
 * What is wrong with `text` as one SQL expression to be put between parentheses, or undefined.
 *
 * Looks only at what could lead out of the parentheses: brackets, quotes, comments and semicolons. Whether it is an
 * expression at all the server says.
 */
export function expressionProblem(text: string): string | undefined {
  if (text.trim() === '') return 'the expression is empty';
  if (text.includes('\0')) return 'an expression may not hold a NUL character';
  const open: string[] = [];
  let at = 0;
  while (at < text.length) {
    const { token, isUnfinished } = tokenAt(text, at);
    if (isUnfinished) return token.startsWith('/*') ? 'a comment is not closed' : `${token.slice(0, SHOWN)} is not closed`;
    if (token === ';') return 'it holds a semicolon: write one expression';
    if (token === '(' || token === '[') open.push(token);
    if ((token === ')' && open.pop() !== '(') || (token === ']' && open.pop() !== '[')) return `"${token}" closes nothing`;
    at += token.length;
  }
  return open.length === 0 ? undefined : `"${open.at(-1) ?? ''}" is not closed`;
}

const SHOWN = 20;

/** What is one piece whatever is inside of it. Words come first, so that the $ or the E of a word begins no quote. */
const PIECES: readonly RegExp[] = [
  /[eE]'(?:[^'\\]|''|\\[\s\S])*'/y,
  /(?![eE]')[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y,
  /\d[\w.]*/y,
  /'(?:[^']|'')*'/y,
  /"(?:[^"]|"")*"/y,
  /\$((?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?)\$[\s\S]*?\$\1\$/y,
  /--[^\n]*/y,
];

/** The beginning of a piece that has no end; tried when none of {@link PIECES} is there. */
const UNFINISHED = /(?:[eE]?'|"|\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$)[\s\S]*/y;

function tokenAt(text: string, at: number): { readonly token: string; readonly isUnfinished: boolean } {
  if (text.startsWith('/*', at)) {
    const length = commentLength(text, at);
    return { token: text.slice(at, length === 0 ? undefined : at + length), isUnfinished: length === 0 };
  }
  for (const piece of PIECES) {
    const token = matchAt(piece, text, at);
    if (token !== undefined) return { token, isUnfinished: false };
  }
  const rest = matchAt(UNFINISHED, text, at);
  return { token: rest ?? text.charAt(at), isUnfinished: rest !== undefined };
}

function matchAt(expression: RegExp, text: string, at: number): string | undefined {
  expression.lastIndex = at;
  return expression.exec(text)?.[0];
}

/** Comments nest in SQL. 0 for one without an end. */
function commentLength(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const pair = text.slice(at, at + 2);
    if (pair !== '/*' && pair !== '*/') continue;
    depth += pair === '/*' ? 1 : -1;
    at += 1;
    if (depth === 0) return at + 1 - start;
  }
  return 0;
}
