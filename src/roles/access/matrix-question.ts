import { accessMatrix, type MatrixObjects } from './matrix.ts';
import { CellTexts } from './matrix-cell.ts';
import { MatrixReach } from './matrix-reach.ts';
import type { AccessGraph, AccessGroup, AccessRole } from './graph.ts';

export interface MatrixQuestion {
  readonly graph: AccessGraph;
  /** As it would be after a plan. */
  readonly planned: AccessGraph | undefined;
  readonly database: string;
  readonly isWantedRole: (role: AccessRole) => boolean;
  /** Of which groups, and which of their names. */
  readonly isWantedGroup: (group: AccessGroup) => boolean;
  readonly isWantedName: (group: Pick<AccessGroup, 'kind' | 'schema'>, name: string) => boolean;
}

export interface MatrixRole {
  readonly name: string;
  readonly kind: 'group' | 'login' | 'predefined';
  readonly role: AccessRole;
  /** What the plan does with it. */
  readonly change: 'added' | 'dropped' | undefined;
}

export interface MatrixLine extends MatrixObjects {
  /** The cells after the plan; undefined where there is no plan, or none of them differs. */
  readonly after: Uint32Array | undefined;
}

export interface MatrixAnswer {
  readonly roles: readonly MatrixRole[];
  /** The texts that the cells' numbers are of. */
  readonly texts: readonly string[];
  /** In the order of kind, schema and owner; each object is in one of them. */
  readonly lines: readonly MatrixLine[];
}

/** Roles × objects now and, with a plan, what of it would differ. */
export function answerMatrix(question: MatrixQuestion): MatrixAnswer {
  const { graph, planned } = question;
  const all = sortedRoles(graph, planned);
  const names = all.map(({ name }) => name);
  const texts = new CellTexts();
  const linesOf = (of: AccessGraph): readonly MatrixObjects[] =>
    accessMatrix(of, question.database, new MatrixReach(of, question.database, names), texts, question.isWantedGroup);
  const now = wanted(linesOf(graph), question);
  const lines =
    planned === undefined ? now.map((line) => ({ ...line, after: undefined })) : compared(now, linesOf(planned), texts, question);
  const places = [...all.keys()].filter((place) => {
    const found = all[place];
    return found !== undefined && question.isWantedRole(found.role);
  });
  const of = (cells: Uint32Array): Uint32Array => Uint32Array.from(places, (place) => cells[place] ?? 0);
  return {
    roles: places.flatMap((place) => all[place] ?? []),
    texts: texts.list(),
    lines: lines.map((line) => {
      const [cells, after] = [of(line.cells), line.after === undefined ? undefined : of(line.after)];
      return { ...line, cells, after: after === undefined || isSame(cells, after) ? undefined : after };
    }),
  };
}

const KINDS: readonly MatrixRole['kind'][] = ['group', 'login', 'predefined'];

/** Groups, then logins, then the server's own roles. */
function sortedRoles(graph: AccessGraph, planned: AccessGraph | undefined): readonly MatrixRole[] {
  const found = new Map<string, MatrixRole>();
  for (const role of graph.roles.values()) {
    const change = planned !== undefined && !planned.roles.has(role.name) ? 'dropped' : undefined;
    found.set(role.name, { name: role.name, kind: kindOf(role), role, change });
  }
  for (const role of planned?.roles.values() ?? [])
    if (!found.has(role.name)) found.set(role.name, { name: role.name, kind: kindOf(role), role, change: 'added' });
  return [...found.values()].sort(
    (left, right) => KINDS.indexOf(left.kind) - KINDS.indexOf(right.kind) || (left.name < right.name ? -1 : 1),
  );
}

function kindOf({ name, login }: AccessRole): MatrixRole['kind'] {
  return name.startsWith('pg_') ? 'predefined' : login ? 'login' : 'group';
}

function wanted(lines: readonly MatrixObjects[], { isWantedName }: MatrixQuestion): readonly MatrixObjects[] {
  return lines.flatMap((line) => {
    const names = line.names.filter((name) => isWantedName(line, name));
    return names.length === 0 ? [] : [{ ...line, names }];
  });
}

/** Each object with its cells before and after; objects that are alike in both stay together. */
function compared(
  now: readonly MatrixObjects[],
  planned: readonly MatrixObjects[],
  texts: CellTexts,
  question: MatrixQuestion,
): readonly MatrixLine[] {
  const later = new Map(planned.flatMap((line) => line.names.map((name) => [keyOf(line, name), line] as const)));
  const lines: MatrixLine[] = now.flatMap((line) => {
    const parts = new Map<MatrixObjects | undefined, string[]>();
    for (const name of line.names) {
      const key = keyOf(line, name);
      const after = later.get(key);
      later.delete(key);
      const part = parts.get(after) ?? [];
      parts.set(after, part);
      part.push(name);
    }
    return [...parts].map(([after, names]) => ({ ...line, names, after: after?.cells }));
  });
  // What is left the plan makes: a schema.
  const made = wanted(
    planned.map((line) => ({ ...line, names: line.names.filter((name) => later.has(keyOf(line, name))) })),
    question,
  );
  const absent = texts.numberOfText('');
  return [...lines, ...made.map((line) => ({ ...line, cells: line.cells.map(() => absent), after: line.cells }))];
}

function keyOf({ kind, schema }: Pick<AccessGroup, 'kind' | 'schema'>, name: string): string {
  return JSON.stringify([kind, schema, name]);
}

function isSame(left: Uint32Array, right: Uint32Array): boolean {
  return left.every((number, place) => number === right[place]);
}
