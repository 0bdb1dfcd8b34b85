import type { VNode } from 'preact';

/** How a mark of a cell looks and what it is called; the shapes differ without any colour. */
export const MARK_WORDS: Readonly<Record<string, string>> = {
  o: 'as the owner',
  g: 'granted to it',
  i: 'inherited',
  d: 'through a predefined role',
  s: 'as superuser',
  p: 'as PUBLIC has it',
  t: 'only after SET ROLE',
  c: 'on some columns',
};

const PRIVILEGE_WORDS: Readonly<Record<string, string>> = {
  r: 'SELECT',
  a: 'INSERT',
  w: 'UPDATE',
  d: 'DELETE',
  D: 'TRUNCATE',
  x: 'REFERENCES',
  t: 'TRIGGER',
  m: 'MAINTAIN',
  U: 'USAGE',
  C: 'CREATE',
  c: 'CONNECT',
  T: 'TEMPORARY',
  X: 'EXECUTE',
  s: 'SET',
  A: 'ALTER SYSTEM',
};

/** Letters that stand together and look the same. */
interface Run {
  readonly text: string;
  readonly look: string;
  readonly tag: 'span' | 'ins' | 'del';
}

const NONE = 'm-none';

export type Showing = 'effective' | 'granted';

/** What is drawn in a cell, and what it is called. */
export interface CellLook {
  readonly runs: readonly Run[];
  readonly flags: string;
  readonly label: string;
  /** The dots of a cell in which nothing is: most of a matrix. */
  readonly dots: string | undefined;
}

/** A matrix has few different cells: each is thought through once, however often it is scrolled past. */
const LOOKS = new Map<string, CellLook>();

/** The letters of a cell in their fixed places. `after` is the cell as a plan would leave it, where that differs. */
export function cellLook(letters: string, now: string, after: string | undefined, showing: Showing): CellLook {
  const key = `${letters} ${now} ${after ?? ' '} ${showing}`;
  const known = LOOKS.get(key);
  if (known !== undefined) return known;
  const runs = runsOf(letters, now, after, showing);
  const flags = flagsOf(letters, after ?? now, showing);
  const [first] = runs;
  const look: CellLook = {
    runs,
    flags,
    label: labelOf(runs, flags, cellWords(letters, now, after, showing)),
    dots: runs.length === 1 && first?.look === NONE && flags === '' ? first.text : undefined,
  };
  LOOKS.set(key, look);
  return look;
}

function runsOf(letters: string, now: string, after: string | undefined, showing: Showing): readonly Run[] {
  const runs: { text: string; look: string; tag: Run['tag'] }[] = [];
  for (const [place, letter] of letters.split('').entries()) {
    const next = lookAt(letter, place, now, after, showing);
    const last = runs.at(-1);
    if (last !== undefined && last.look === next.look && last.tag === next.tag) last.text += next.text;
    else runs.push(next);
  }
  return runs;
}

function lookAt(
  letter: string,
  place: number,
  now: string,
  after: string | undefined,
  showing: Showing,
): { text: string; look: string; tag: Run['tag'] } {
  const [mark, later] = [markAt(now, place, showing), after === undefined ? undefined : markAt(after, place, showing)];
  if (later === undefined || isThere(mark) === isThere(later)) {
    const shown = later ?? mark;
    return shown === '-' ? { text: '·', look: NONE, tag: 'span' } : { text: letter, look: lookOf(shown), tag: 'span' };
  }
  return isThere(mark) ? { text: letter, look: lookOf(mark), tag: 'del' } : { text: letter, look: lookOf(later), tag: 'ins' };
}

function markAt(text: string, place: number, showing: Showing): string {
  const mark = text[place] ?? '-';
  return showing === 'granted' && !/[og]/i.test(mark) ? '-' : mark;
}

function isThere(mark: string): boolean {
  return mark !== '-';
}

function lookOf(mark: string): string {
  const lower = mark.toLowerCase();
  // Owners and superusers always may grant on: that goes without saying.
  return `m-${lower}${mark === lower || lower === 'o' || lower === 's' ? '' : ' m-option'}`;
}

const WORDS = new Map<string, string>();

/** The cell in words: `SELECT, INSERT inherited; UPDATE granted to it`. */
export function cellWords(letters: string, now: string, after: string | undefined, showing: Showing): string {
  const key = `${letters} ${now} ${after ?? ' '} ${showing}`;
  const known = WORDS.get(key);
  if (known !== undefined) return known;
  const said =
    after === undefined
      ? wordsOf(letters, now, showing)
      : `${wordsOf(letters, now, showing)}; after the plan: ${wordsOf(letters, after, showing)}`;
  WORDS.set(key, said);
  return said;
}

function wordsOf(letters: string, text: string, showing: Showing): string {
  if (text === '') return 'no such role';
  const by = new Map<string, string[]>();
  for (const [place, letter] of letters.split('').entries()) {
    const mark = markAt(text, place, showing);
    if (mark === '-') continue;
    const option = mark !== mark.toLowerCase() && !/[os]/i.test(mark) ? ' with grant option' : '';
    const how = `${MARK_WORDS[mark.toLowerCase()] ?? ''}${option}`;
    by.set(how, [...(by.get(how) ?? []), PRIVILEGE_WORDS[letter] ?? letter]);
  }
  const parts = [...by].map(([how, privileges]) => `${privileges.join(', ')} ${how}`);
  if (parts.length === 0) return 'nothing';
  const flags = text.slice(letters.length);
  const limits = [
    ...(flags.includes('!') ? ['of no use without USAGE on the schema'] : []),
    ...(flags.includes('~') ? ['rows as the policies of the table allow'] : []),
  ];
  return [...parts, ...limits].join('; ');
}

/** The name of a cell: what stands in it, and that in words. */
function labelOf(runs: readonly Run[], flags: string, words: string): string {
  const seen = `${runs.map(({ look, text }) => (look === NONE ? '' : text)).join('')}${flags}`;
  return seen === '' ? words : `${seen}: ${words}`;
}

function flagsOf(letters: string, text: string, showing: Showing): string {
  return showing === 'granted' ? '' : text.slice(letters.length);
}

/** The letters, each run of them in its shape. The dots in empty places are drawn, and are no text. */
export function drawn({ runs, flags, dots }: CellLook): readonly VNode[] | null {
  if (dots !== undefined) return null;
  const letters = runs.map(({ text, look, tag: Tag }, index) =>
    look === NONE ? (
      <span key={index} class={NONE} data-dots={text} />
    ) : (
      <Tag key={index} class={look}>
        {text}
      </Tag>
    ),
  );
  if (flags === '') return letters;
  return [
    ...letters,
    <span key="flags" class="m-flag">
      {flags}
    </span>,
  ];
}

/** The SQL word of the first privilege that is there, else of the first there is. */
export function firstPrivilege(letters: string, text: string): string {
  const place = letters.split('').findIndex((_letter, index) => (text[index] ?? '-') !== '-');
  return (PRIVILEGE_WORDS[letters[Math.max(0, place)] ?? ''] ?? 'SELECT').toLowerCase().replaceAll(' ', '_');
}

/** The words of all privileges that a kind of objects has, for a choice among them. */
export const PRIVILEGES: readonly string[] = Object.values(PRIVILEGE_WORDS).map((word) => word.toLowerCase().replaceAll(' ', '_'));
