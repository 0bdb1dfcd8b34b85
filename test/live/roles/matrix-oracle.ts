import { Closures } from '../../../src/roles/access/closure.ts';
import type { AccessGraph } from '../../../src/roles/access/graph.ts';
import { FIRST_HELD, MARKS } from '../../../src/roles/access/matrix-cell.ts';
import { answerMatrix, type MatrixAnswer, type MatrixLine } from '../../../src/roles/access/matrix-question.ts';
import { holds } from '../../../src/roles/access/paths.ts';
import { accessPrivileges } from '../../../src/roles/access/privilege-table.ts';
import { effective } from '../../../src/roles/access/routes.ts';
import { findTarget } from '../../../src/roles/access/target.ts';

/** The matrix of a whole graph, to be asked cell by cell. */
export class MatrixFacts {
  readonly answer: MatrixAnswer;
  readonly #graph: AccessGraph;
  readonly #database: string;
  readonly #lines = new Map<string, MatrixLine>();
  readonly #places: ReadonlyMap<string, number>;

  constructor(graph: AccessGraph, database: string) {
    this.#graph = graph;
    this.#database = database;
    const everything = (): boolean => true;
    this.answer = answerMatrix({
      graph,
      planned: undefined,
      database,
      isWantedRole: everything,
      isWantedGroup: everything,
      isWantedName: everything,
    });
    this.#places = new Map(this.answer.roles.map(({ name }, place) => [name, place]));
    for (const line of this.answer.lines) {
      for (const name of line.names) {
        const key = keyOf(line.kind, line.schema, name);
        if (this.#lines.has(key)) throw new Error(`${key} is in the matrix twice`);
        this.#lines.set(key, line);
      }
    }
  }

  /** What the cell says of `word`, which may end in WITH GRANT OPTION; undefined for what the matrix leaves out. */
  holds(kind: string, schema: string | null, name: string, role: string, word: string): boolean | undefined {
    const line = this.#lines.get(keyOf(kind, schema ?? undefined, name));
    if (line === undefined) return undefined;
    const [privilege = '', option] = word.split(' WITH ');
    const mark = this.#mark(line, role, privilege);
    const isHeld = MARKS.findIndex((each) => each === mark.toLowerCase()) >= FIRST_HELD;
    return isHeld && (option === undefined || mark !== mark.toLowerCase());
  }

  #mark(line: MatrixLine, role: string, privilege: string): string {
    const text = this.answer.texts[line.cells[this.#places.get(role) ?? -1] ?? -1] ?? '';
    const place = accessPrivileges(line.kind, this.#graph.major).findIndex((each) => each === privilege);
    const mark = text[place];
    if (mark === undefined) throw new Error(`no mark for ${privilege} of ${role} on ${line.kind} ${line.names[0] ?? ''} in "${text}"`);
    return mark;
  }

  /** Where its marks for SET ROLE and for USAGE that is missing are not what who-can answers, and how many were compared. */
  differencesFromWhoCan(roles: readonly string[]): { readonly compared: number; readonly different: readonly string[] } {
    const closures = new Closures(this.#graph, this.#database);
    const different: string[] = [];
    let compared = 0;
    for (const line of this.answer.lines) {
      const [name = ''] = line.names;
      const target = findTarget(this.#graph, this.#database, { kind: line.kind, schema: line.schema, name, column: undefined });
      if (target === undefined) throw new Error(`the graph has no ${line.kind} ${name}`);
      for (const role of roles) {
        const text = this.answer.texts[line.cells[this.#places.get(role) ?? -1] ?? -1] ?? '';
        const isClosed = target.schema !== undefined && !holds(closures, role, { group: target.schema, column: undefined }, 'USAGE');
        for (const privilege of accessPrivileges(line.kind, this.#graph.major)) {
          compared += 1;
          const found = effective(closures, role, target, privilege);
          const isLater = !found.holds && found.routes.some((route) => route.kind === 'set-role');
          const mark = this.#mark(line, role, privilege);
          if ((mark === 't') !== isLater || (found.holds && isClosed !== text.includes('!')))
            different.push(`${role}: ${privilege} on ${line.kind} ${line.schema ?? ''}.${name} is ${text}`);
        }
      }
    }
    return { compared, different };
  }
}

function keyOf(kind: string, schema: string | undefined, name: string): string {
  return JSON.stringify([kind, schema ?? null, name]);
}
