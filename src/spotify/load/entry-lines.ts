const QUOTE = '"';

/**
 * The line, from 1, on which each value that stands in an array begins, by its path (`playlists.0.items.3`). `text` is JSON:
 * whether it is was found out before.
 */
export function entryLines(text: string): ReadonlyMap<string, number> {
  const lines = new Map<string, number>();
  /** For each array around: the next number; for each object: the key being read. */
  const around: { readonly isArray: boolean; at: number; key: string }[] = [];
  let line = 1;
  let isValueNext = true;
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at] ?? '';
    if (letter === '\n') line += 1;
    if (letter <= ' ') continue;
    const holder = around.at(-1);
    if (letter === ']' || letter === '}') around.pop();
    else if (letter === ',') {
      if (holder !== undefined) holder.at += 1;
      isValueNext = true;
    } else if (letter !== ':') {
      if (isValueNext && holder?.isArray === true) lines.set(around.map((each) => (each.isArray ? each.at : each.key)).join('.'), line);
      isValueNext = letter === '[';
      if (letter === '[' || letter === '{') around.push({ isArray: letter === '[', at: 0, key: '' });
      else if (letter === QUOTE) {
        const end = endOfText(text, at);
        if (holder?.isArray === false && /^\s*:/.test(text.slice(end + 1, end + 64)))
          holder.key = JSON.parse(text.slice(at, end + 1)) as string;
        at = end;
      }
    }
  }
  return lines;
}

function endOfText(text: string, from: number): number {
  let at = from + 1;
  while (at < text.length && text[at] !== QUOTE) at += text[at] === '\\' ? 2 : 1;
  return at;
}
