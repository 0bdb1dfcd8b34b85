import { isDbadminError, type DbadminError } from '../../base/errors.ts';
import { sha256Of } from '../files/checksum.ts';
import { parseSqlFile } from '../files/migration.ts';
import { invalidAt } from '../files/problems.ts';
import type { HistoryRow } from '../history/history.ts';
import type { RoutineFile } from '../plan.ts';
import { checkRepeatable } from '../routines/routines.ts';
import { asNode, asText, namesOf, nodeType, type AstNode, type SqlParser } from '../sql/parser.ts';
import type { RepeatableRow, SourceRepeatable } from './source.ts';

/** A repeatable file of the other tool as a routine. */
export interface ImportRoutine {
  readonly source: string;
  /** `schema/name`. */
  readonly name: string;
  readonly text: string;
  readonly sha256: string;
  readonly reason: string;
  /** Undefined where the other tool has not applied this text: the next `up` does. */
  readonly row: RepeatableRow | undefined;
  readonly writes: boolean;
  readonly records: boolean;
}

/** What the import of repeatable files is decided from. */
export interface ObservedRepeatables {
  readonly product: string;
  /** The other tool's files, relative to the project. */
  readonly directory: string;
  readonly repeatables: readonly SourceRepeatable[];
  /** The last row of each that was applied, by its id. */
  readonly rows: ReadonlyMap<string, RepeatableRow>;
  /** dbadmin's own routines, on disk and in its history by name. */
  readonly routines: readonly RoutineFile[];
  readonly applied: ReadonlyMap<string, HistoryRow>;
}

export interface PlannedRepeatables {
  readonly routines: readonly ImportRoutine[];
  readonly problems: readonly DbadminError[];
  readonly warnings: readonly string[];
}

/** What becomes of repeatable files. One that could not run again as it is stays where it is, which is said with the reason. */
export function planRepeatables(observed: ObservedRepeatables, parser: SqlParser): PlannedRepeatables {
  const routines: ImportRoutine[] = [];
  const problems: DbadminError[] = [];
  const warnings: string[] = [];
  for (const each of observed.repeatables) {
    const source = observed.directory === '' ? each.path : `${observed.directory}/${each.path}`;
    try {
      const routine = planRoutine(each, source, observed, parser);
      const twin = routines.find(({ name }) => name === routine.name);
      if (twin !== undefined) throw invalidAt(source, each.text, 0, `makes the routine ${routine.name}, as ${twin.source} does`);
      const there = observed.routines.find(({ name }) => name === routine.name);
      if (there !== undefined && there.file.sha256 !== routine.sha256 && !observed.applied.has(routine.name)) {
        problems.push(
          invalidAt(there.file.path, there.file.text, 0, `is the routine ${routine.name} too, and is not ${source}`, 'Move it away.'),
        );
      }
      routines.push({
        ...routine,
        writes: there === undefined,
        records: routine.row !== undefined && !observed.applied.has(routine.name),
      });
    } catch (error) {
      if (!isDbadminError(error, 'migration-invalid')) throw error;
      warnings.push(`${source} is repeatable and not imported: ${error.message}; put what it makes below sql/routines`);
    }
  }
  return { routines, problems, warnings };
}

function planRoutine(
  { id, path, text, title, check, placeholder }: SourceRepeatable,
  source: string,
  { product, rows }: ObservedRepeatables,
  parser: SqlParser,
): Omit<ImportRoutine, 'writes' | 'records'> {
  if (placeholder !== undefined)
    throw invalidAt(source, text, placeholder.offset, `${placeholder.text} is replaced by ${product}, and by nobody here`);
  const sha256 = sha256Of(text);
  const file = { path: source, location: source, text, sha256 };
  const parsed = parseSqlFile(file, parser);
  checkRepeatable({ name: path, file, parsed });
  const schemas = new Set(parsed.statements.flatMap(({ node }) => schemaOf(node ?? {}) ?? []));
  const [schema = 'public'] = schemas.size === 1 ? schemas : [];
  const words = title.replaceAll(/[^A-Za-z0-9_-]+/g, '_').replaceAll(/^_+|_+$/g, '');
  const row = rows.get(id);
  return {
    source,
    name: `${schema.replaceAll(/[^A-Za-z0-9_-]+/g, '_')}/${words === '' ? 'repeatable' : words}`,
    text,
    sha256,
    reason: `imported from ${product}: ${id}`,
    row: row?.check === check ? row : undefined,
  };
}

/** The schema of what a statement makes, where it names one. */
function schemaOf(node: AstNode): string | undefined {
  const { type, fields } = nodeType(node);
  switch (type) {
    case 'CreateFunctionStmt':
      return namesOf(fields['funcname']).at(-2);
    case 'ViewStmt':
      return asText(asNode(fields['view'])['schemaname']);
    case 'CreateTrigStmt':
      return asText(asNode(fields['relation'])['schemaname']);
    case 'CreateTableAsStmt':
      return asText(asNode(asNode(fields['into'])['rel'])['schemaname']);
    default:
      return undefined;
  }
}
