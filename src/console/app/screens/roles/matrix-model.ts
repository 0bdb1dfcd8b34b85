import type { MatrixDocument, MatrixRole } from './documents.ts';

/** What lies in a schema comes after the schema itself; what lies in none, last. */
const KINDS = ['schema', 'table', 'sequence', 'routine', 'type'];

/** One object with the rows of cells that the document has for it. */
export interface MatrixObject {
  readonly kind: string;
  /** The schema it is in, or which it is; undefined outside of schemas. */
  readonly schema: string | undefined;
  readonly name: string;
  readonly owner: string;
  readonly rowSecurity: boolean;
  /** Which of the document's rows it has now, and after the plan where that differs. */
  readonly row: number;
  readonly after: number | undefined;
}

/** What is made of a document once, for it is asked for millions of times. */
interface Table {
  readonly objects: readonly MatrixObject[];
  /** By row and role: the number of the cell. */
  readonly numbers: readonly Uint32Array[];
  /** By cell: 1 where a role may do more with it than everybody. */
  readonly tells: Uint8Array;
}

const TABLES = new WeakMap<MatrixDocument, Table>();

function tableOf(document: MatrixDocument): Table {
  const known = TABLES.get(document);
  if (known !== undefined) return known;
  const { roles, rows, cells, width } = document;
  const made: Table = {
    objects: sorted(document),
    numbers: rows.map((row) => decoded(row, width, roles.length)),
    tells: Uint8Array.from(cells, (text) => (/[^-pP!~]/.test(text) ? 1 : 0)),
  };
  TABLES.set(document, made);
  return made;
}

const ZERO = 48;
const A = 97;
const RADIX = 36;

/** The numbers of a row in base 36. By hand: there can be millions of them. */
function decoded(row: string, width: number, roles: number): Uint32Array {
  const numbers = new Uint32Array(roles);
  for (let role = 0, at = 0; role < roles; role += 1) {
    let number = 0;
    for (const end = at + width; at < end; at += 1) {
      const code = row.charCodeAt(at);
      number = number * RADIX + (code >= A ? code - A + 10 : code - ZERO);
    }
    numbers[role] = number;
  }
  return numbers;
}

/** Every object of the document on a line of its own, schema by schema. */
export function objectsOf(document: MatrixDocument): readonly MatrixObject[] {
  return tableOf(document).objects;
}

function sorted(document: MatrixDocument): readonly MatrixObject[] {
  const objects = document.objects.flatMap(({ names, row, after, kind, schema, ...rest }) =>
    names.map((name): MatrixObject => ({
      ...rest,
      kind,
      name,
      schema: kind === 'schema' ? name : (schema ?? undefined),
      row,
      after: after ?? undefined,
    })),
  );
  const rank = new Map(KINDS.map((kind, place) => [kind, place]));
  return objects.sort(
    (left, right) =>
      Number(left.schema === undefined) - Number(right.schema === undefined) ||
      compare(left.schema ?? '', right.schema ?? '') ||
      (rank.get(left.kind) ?? KINDS.length) - (rank.get(right.kind) ?? KINDS.length) ||
      compare(left.kind, right.kind) ||
      compare(left.name, right.name),
  );
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** The text of the cell of the role at `place` in a row of the document. */
export function cellAt(document: MatrixDocument, row: number, place: number): string {
  return document.cells[tableOf(document).numbers[row]?.[place] ?? -1] ?? '';
}

/** As SQL names it, for the command: `core.play`, `routine core.f(integer)`, `schema core`. */
export function objectQuestion({ kind, schema, name }: MatrixObject): string {
  if (kind === 'routine') return `routine ${sqlName(schema ?? '')}.${name}`;
  if (kind === 'parameter' || kind === 'large object') return `${kind} ${name}`;
  return kind === 'schema' || schema === undefined ? `${kind} ${sqlName(name)}` : `${kind} ${sqlName(schema)}.${sqlName(name)}`;
}

export function sqlName(name: string): string {
  return /^[a-z_][a-z0-9_$]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

export interface MatrixFilter {
  readonly role: string;
  readonly schema: string;
  readonly kind: string;
  readonly name: string;
  /** Only what a plan would change. */
  readonly isChanged: boolean;
  /** Roles that can do nothing with what is shown, too. */
  readonly withIdle: boolean;
}

export interface MatrixView {
  readonly objects: readonly MatrixObject[];
  readonly roles: readonly { readonly role: MatrixRole; readonly place: number }[];
  /** Roles that were left out, for they can do nothing with what is shown. */
  readonly idle: number;
}

/** The part of the matrix that the filters leave. */
export function viewOf(document: MatrixDocument, filter: MatrixFilter): MatrixView {
  const { objects, numbers, tells } = tableOf(document);
  const isName = matcher(filter.name);
  const shown = objects.filter(
    (object) =>
      (filter.schema === '' || object.schema === filter.schema) &&
      (filter.kind === '' || object.kind === filter.kind) &&
      (!filter.isChanged || object.after !== undefined) &&
      (isName(object.name) || (object.schema !== undefined && isName(`${object.schema}.${object.name}`))),
  );
  const isRole = matcher(filter.role);
  const named = document.roles.map((role, place) => ({ role, place })).filter(({ role }) => isRole(role.name));
  if (filter.withIdle) return { objects: shown, roles: named, idle: 0 };
  const rows = [...new Set(shown.flatMap(({ row, after }) => (after === undefined ? [row] : [row, after])))];
  const busy = named.filter(({ place }) => rows.some((row) => tells[numbers[row]?.[place] ?? -1] === 1));
  return { objects: shown, roles: busy, idle: named.length - busy.length };
}

/** A part of the name in any case, or with * and ? the whole of it. */
function matcher(text: string): (name: string) => boolean {
  const wanted = text.trim().toLowerCase();
  if (wanted === '') return () => true;
  if (!/[*?]/.test(wanted)) return (name) => name.toLowerCase().includes(wanted);
  const source = wanted
    .replaceAll(/[\\^$.+()[\]{}|/]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  const whole = new RegExp(`^${source}$`, 's');
  return (name) => whole.test(name.toLowerCase());
}
