// A text takes every letter from the blank on but the quote and the backslash: control characters stand before the blank.
const TOKEN =
  /([{}[\],:])|("(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y;
const BLANK = /[ \t\r\n]*/y;

type Expecting = 'value' | 'value or end' | 'key' | 'key or end' | 'colon' | 'comma or end' | 'nothing';

/**
 * The line, from 1, on which `text` ceases to be JSON; undefined when it is JSON. JSON.parse says it for some mistakes
 * only.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8259
 */
export function jsonFaultLine(text: string): number | undefined {
  const around: ('{' | '[')[] = [];
  let expecting: Expecting = 'value';
  let at = 0;
  for (;;) {
    BLANK.lastIndex = at;
    at += BLANK.exec(text)?.[0].length ?? 0;
    if (at === text.length) return expecting === 'nothing' ? undefined : text.trimEnd().split('\n').length;
    TOKEN.lastIndex = at;
    const [token, mark, string] = TOKEN.exec(text) ?? [];
    const next: Expecting | undefined = token === undefined ? undefined : after(expecting, mark, string !== undefined, around);
    if (token === undefined || next === undefined) return text.slice(0, at).split('\n').length;
    expecting = next;
    at += token.length;
  }
}

/** What may follow a token, or undefined when the token itself may not stand there. Keeps the stack of what is open. */
function after(expecting: Expecting, mark: string | undefined, isString: boolean, around: ('{' | '[')[]): Expecting | undefined {
  const isValueNext = expecting === 'value' || expecting === 'value or end';
  const isKeyNext = expecting === 'key' || expecting === 'key or end';
  const ended = (): Expecting => (around.length === 0 ? 'nothing' : 'comma or end');
  if (mark === '{' || mark === '[') {
    if (!isValueNext) return undefined;
    around.push(mark);
    return mark === '{' ? 'key or end' : 'value or end';
  }
  if (mark === '}' || mark === ']') {
    const mayEnd = expecting === 'comma or end' || expecting === (mark === '}' ? 'key or end' : 'value or end');
    if (!mayEnd || around.pop() !== (mark === '}' ? '{' : '[')) return undefined;
    return ended();
  }
  if (mark === ':') return expecting === 'colon' ? 'value' : undefined;
  if (mark === ',') return expecting === 'comma or end' ? (around.at(-1) === '{' ? 'key' : 'value') : undefined;
  if (isKeyNext) return isString ? 'colon' : undefined;
  return isValueNext ? ended() : undefined;
}
