import { DbadminError } from '../../base/errors.ts';
import type { SqlFile, Statement } from '../files/migration.ts';
import { placeOf } from '../sql/location.ts';
import { asNode, asNodes, asText, namesOf, nodeType } from '../sql/parser.ts';
import type { Routine } from '../routines/routines.ts';

/** The rule that `-- dbadmin: allow plpgsql-check -- reason` names in a routine's file. */
export const CHECK_RULE = 'plpgsql-check';

/** Something in the body of a routine that would fail when it runs. */
export interface BodyError {
  /** Qualified and quoted, with the types of its arguments. */
  readonly routine: string;
  readonly schema: string;
  readonly name: string;
  /** The table whose trigger it is. */
  readonly table: string | undefined;
  /** Line of the body, from 1. */
  readonly line: number | undefined;
  readonly sqlState: string;
  readonly message: string;
  readonly detail: string | undefined;
  readonly hint: string | undefined;
  /** The query inside that fails. */
  readonly query: string | undefined;
}

/** All routines of the database, checked. */
export interface BodyCheck {
  readonly errors: readonly BodyError[];
  /** How many PL/pgSQL routines nobody could look into, because plpgsql_check is not installed. */
  readonly unchecked: number;
}

/** Errors by what they mean for a run. */
export interface JudgedErrors {
  /** Those that were not there before it, and all of routines that it applied itself. */
  readonly stopping: readonly BodyError[];
  /** Those that it found and left. */
  readonly known: readonly BodyError[];
}

/** Judges what is wrong after a run. A routine whose file allows `plpgsql-check` with a reason is passed over. */
export function judgeErrors(before: BodyCheck, after: BodyCheck, applied: readonly Routine[], all: readonly Routine[]): JudgedErrors {
  const allowed = new Set(all.filter(allowsErrors).flatMap((routine) => [...declared(routine).keys()]));
  const own = new Set(applied.flatMap((routine) => [...declared(routine).keys()]));
  const there = new Set(before.errors.map(keyOf));
  const counted = after.errors.filter(({ schema, name }) => !allowed.has(`${schema}.${name}`));
  const stops = (error: BodyError): boolean => own.has(`${error.schema}.${error.name}`) || !there.has(keyOf(error));
  return { stopping: counted.filter(stops), known: counted.filter((error) => !stops(error)) };
}

function allowsErrors({ parsed }: Routine): boolean {
  return parsed.directives.allow.some(({ rule }) => rule === CHECK_RULE);
}

function keyOf({ routine, table, sqlState, message }: BodyError): string {
  return JSON.stringify([routine, table, sqlState, message]);
}

/** The failure of a run that would leave routines broken. */
export function brokenError(errors: readonly BodyError[], applied: readonly Routine[], what: string): DbadminError {
  const [first] = errors;
  const broken = new Set(errors.map(({ routine }) => routine)).size;
  const summary = broken === 1 && first !== undefined ? describe(first, applied) : `${broken} routines would fail when they run`;
  const [shown, rest] = [errors.slice(0, SHOWN), errors.length - SHOWN];
  return new DbadminError('migration-failed', summary, {
    detail: [
      ...(broken === 1 ? [] : shown.map((each) => describe(each, applied))),
      ...(broken === 1 ? extra(first) : []),
      ...(rest > 0 ? [`… ${rest} more`] : []),
      what,
    ].join('\n'),
    hint: `Change them in sql/routines in the same run. Where the check is wrong, as with a table that the routine makes itself, its file says: -- dbadmin: allow ${CHECK_RULE} -- why`,
  });
}

const SHOWN = 20;

function describe(error: BodyError, applied: readonly Routine[]): string {
  const place = placeIn(error, applied);
  const where = error.line === undefined ? '' : ` line ${error.line}`;
  const on = error.table === undefined ? '' : ` on ${error.table}`;
  return `${place === undefined ? '' : `${place}: `}${error.routine}${on}${where}: ${error.message} (${error.sqlState})`;
}

function extra(error: BodyError | undefined): readonly string[] {
  return [error?.query?.trim(), error?.detail, error?.hint].flatMap((each) => (each === undefined || each === '' ? [] : each));
}

/** `file:line` where a routine of this run has its error. */
function placeIn(error: BodyError, applied: readonly Routine[]): string | undefined {
  for (const routine of applied) {
    const statement = declared(routine).get(`${error.schema}.${error.name}`);
    if (statement !== undefined) return `${routine.file.path}:${lineOfBody(routine.file, statement, error.line ?? 1)}`;
  }
  return undefined;
}

/** Routines that a file declares, by `schema.name`. */
function declared({ name, parsed }: Routine): ReadonlyMap<string, Statement> {
  return new Map(
    parsed.statements.flatMap((statement) => {
      const { type, fields } = nodeType(statement.node ?? {});
      if (type !== 'CreateFunctionStmt') return [];
      const names = namesOf(fields['funcname']);
      return [[names.length === 1 ? `${name.split('/', 1)[0] ?? ''}.${names[0] ?? ''}` : names.slice(-2).join('.'), statement] as const];
    }),
  );
}

/** The line of the file on which line `line` of a routine's body stands: PL/pgSQL counts from the line of the opening quote. */
export function lineOfBody(file: SqlFile, statement: Statement, line: number): number {
  const body = bodyOf(statement);
  const at = body === undefined ? -1 : statement.text.indexOf(body);
  return placeOf(file.text, statement.start + Math.max(0, at)).line + (at < 0 ? 0 : line - 1);
}

/** The text between the quotes of a function's, procedure's or DO's body, where it stands there as it is. */
function bodyOf({ node }: Statement): string | undefined {
  const { type, fields } = nodeType(node ?? {});
  const options = asNodes(type === 'DoStmt' ? fields['args'] : fields['options']).map((each) => asNode(each['DefElem']));
  const as = asNode(options.find(({ defname }) => defname === 'as')?.['arg']);
  const [body] = [asText(asNode(as['String'])['sval']), ...namesOf(asNode(as['List'])['items'])].filter((each) => each !== undefined);
  return body;
}
