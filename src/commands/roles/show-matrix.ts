import { printable } from '../../base/printable.ts';
import { FIRST_HELD, MARKS, NO_USAGE, RANK, ROW_POLICIES } from '../../roles/access/matrix-cell.ts';
import type { MatrixAnswer, MatrixLine } from '../../roles/access/matrix-question.ts';
import { ACCESS_KINDS, type AccessKind } from '../../roles/access/graph.ts';
import { accessPrivileges, PRIVILEGE_LETTERS } from '../../roles/access/privilege-table.ts';
import { shownName } from '../../roles/access/target.ts';
import { csvLine } from '../../roles/csv.ts';
import type { Output } from '../output.ts';
import type { Asked } from './ask-access.ts';

const MAX_SHOWN_NAMES = 3;
const RADIX = 36;
const SYSTEM_DATABASES: readonly string[] = ['template0', 'template1'];

/** For people: the letters of PostgreSQL's lists, objects with which everybody may do the same on a line. */
export function showMatrix(output: Output, asked: Asked, answer: MatrixAnswer): void {
  const letters = lettersOf(asked);
  const when = asked.at === undefined ? '' : ` at ${asked.at.toISOString()}`;
  const plan = asked.whatIf === undefined ? '' : ` as ${asked.whatIf} would leave it`;
  output.line(printable(`${asked.database} on ${asked.clusterName}${when}${plan}`));
  const shown = answer.roles.filter((_role, place) =>
    answer.lines.some((line) => hasLetters(answer, line.cells[place]) || hasLetters(answer, line.after?.[place])),
  );
  const places = shown.map((role) => answer.roles.indexOf(role));
  if (shown.length > 0) {
    output.table(
      ['object', ...shown.map(({ name }) => printable(name))],
      answer.lines.map((line) => [placeText(line), ...places.map((place) => cellText(answer, line, place, letters))]),
    );
    output.line(
      `(r) after SET ROLE · r° on some columns · r${NO_USAGE} of no use without USAGE on the schema · r${ROW_POLICIES} rows as policies allow`,
    );
  }
  const objects = answer.lines.reduce((sum, { names }) => sum + names.length, 0);
  output.line(`${shown.length} of ${answer.roles.length} roles have something on ${objects} object${objects === 1 ? '' : 's'}`);
}

function lettersOf({ graph }: Asked): ReadonlyMap<AccessKind, string> {
  return new Map(
    ACCESS_KINDS.map((kind) => [
      kind,
      accessPrivileges(kind, graph.major)
        .map((privilege) => PRIVILEGE_LETTERS[privilege])
        .join(''),
    ]),
  );
}

function hasLetters({ texts }: MatrixAnswer, number: number | undefined): boolean {
  return number !== undefined && /[^-]/.test(texts[number] ?? '');
}

/** `raw`, with a plan `raw → r` where it differs. */
function cellText({ texts }: MatrixAnswer, line: MatrixLine, place: number, letters: ReadonlyMap<AccessKind, string>): string {
  const own = letters.get(line.kind) ?? '';
  const now = plain(texts[line.cells[place] ?? 0] ?? '', own);
  if (line.after === undefined) return now;
  const after = plain(texts[line.after[place] ?? 0] ?? '', own);
  return now === after ? now : `${now === '' ? '–' : now} → ${after === '' ? '–' : after}`;
}

/** The letters of what is there: at once, in brackets after SET ROLE, with ° on some columns. */
function plain(text: string, letters: string): string {
  const [now, later, some]: [string[], string[], string[]] = [[], [], []];
  for (const [place, letter] of letters.split('').entries()) {
    const rank = MARKS.findIndex((mark) => mark === text[place]?.toLowerCase());
    if (rank >= FIRST_HELD) now.push(letter);
    else if (rank === RANK.t) later.push(letter);
    else if (rank === RANK.c) some.push(letter);
  }
  const flags = text.slice(letters.length);
  return `${now.join('')}${flags}${some.map((letter) => `${letter}°`).join('')}${later.length === 0 ? '' : `(${later.join('')})`}`;
}

function placeText({ kind, schema, names }: MatrixLine): string {
  const prefix = schema === undefined ? '' : `${shownName(schema)}.`;
  const shown = names.slice(0, MAX_SHOWN_NAMES).map((name) => `${prefix}${kind === 'routine' ? name : shownName(name)}`);
  const rest = names.length > MAX_SHOWN_NAMES ? `\nand ${names.length - MAX_SHOWN_NAMES} more` : '';
  return printable(`${kind} ${shown.join(', ')}`) + rest;
}

/** A line for each object and a column for each role, for a spreadsheet. */
export function matrixCsv(asked: Asked, answer: MatrixAnswer): string {
  const letters = lettersOf(asked);
  const rows = answer.lines.flatMap((line) => {
    const cells = answer.roles.map((_role, place) => cellText(answer, line, place, letters));
    return line.names.map((name) => csvLine([line.kind, line.schema ?? '', name, line.owner, ...cells]));
  });
  return [csvLine(['kind', 'schema', 'name', 'owner', ...answer.roles.map(({ name }) => name)]), ...rows].join('');
}

/** The document of `--json`: every cell once, and of each row of cells no more than their numbers. */
export function matrixJson(asked: Asked, { roles, texts, lines }: MatrixAnswer): Record<string, unknown> {
  // Millions of them: tables instead of maps, and bytes instead of pieces of text.
  const used = new Int32Array(texts.length).fill(-1);
  const cells: string[] = [];
  const numberOf = (number: number): number => {
    const before = used[number] ?? -1;
    if (before >= 0) return before;
    used[number] = cells.length;
    return cells.push(texts[number] ?? '') - 1;
  };
  const renumbered = lines.map((line) => ({ ...line, cells: line.cells.map(numberOf), after: line.after?.map(numberOf) }));
  const width = Math.max(1, (cells.length - 1).toString(RADIX).length);
  const written = cells.map((_text, number) => Buffer.from(number.toString(RADIX).padStart(width, '0'), 'latin1'));
  const rows = new Map<string, number>();
  const rowOf = (numbers: Uint32Array): number => {
    const bytes = Buffer.allocUnsafe(numbers.length * width);
    for (const [role, number] of numbers.entries()) {
      const digits = written[number];
      for (let at = 0; at < width; at += 1) bytes[role * width + at] = digits?.[at] ?? 0;
    }
    const row = bytes.toString('latin1');
    const before = rows.get(row) ?? rows.size;
    rows.set(row, before);
    return before;
  };
  const { graph, planned } = asked;
  return {
    cluster: asked.clusterName,
    database: asked.database,
    at: asked.at?.toISOString() ?? null,
    whatIf: asked.whatIf ?? null,
    server: graph.major,
    databases: graph.shared.flatMap(({ kind, names }) =>
      kind === 'database' ? names.filter((name) => !SYSTEM_DATABASES.includes(name)) : [],
    ),
    letters: Object.fromEntries(lettersOf(asked)),
    roles: roles.map(({ name, kind, role, change }) => ({
      name,
      kind,
      superuser: role.attributes.superuser,
      validUntil: role.validUntil ?? null,
      memberOf: [
        ...new Set((change === 'added' ? planned : graph)?.memberships.flatMap(({ member, role: of }) => (member === name ? [of] : []))),
      ],
      change: change ?? null,
    })),
    objects: renumbered.map(({ kind, schema, owner, rowSecurity, names, cells: now, after }) => ({
      kind,
      schema: schema ?? null,
      owner,
      rowSecurity,
      names,
      row: rowOf(now),
      after: after === undefined ? null : rowOf(after),
    })),
    cells,
    width,
    rows: [...rows.keys()],
  };
}
