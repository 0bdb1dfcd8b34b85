import type { DbadminError } from '../../base/errors.ts';
import { sha256Of } from '../files/checksum.ts';
import type { HistoryRow } from '../history/history.ts';
import type { MigrationFile } from '../files/migration.ts';
import { sortKey } from '../files/names.ts';
import type { SqlParser } from '../sql/parser.ts';
import { convertUnit, standIn } from './convert.ts';
import { nameEntries } from './names.ts';
import { planRepeatables, type ImportRoutine, type ObservedRepeatables } from './repeatables.ts';
import { compareOrder, invalidSource, type Joined, type SourceRow, type SourceTool, type SourceUnit } from './source.ts';

/** Everything that the import is decided from. */
export interface ObservedSource {
  readonly tool: SourceTool;
  /** Quoted, with its schema. */
  readonly table: string;
  /** The other tool's files, relative to the project; messages begin with it. */
  readonly directory: string;
  readonly rows: readonly SourceRow[];
  readonly units: readonly SourceUnit[];
  readonly repeatables: ObservedRepeatables;
  readonly problems: readonly DbadminError[];
  readonly warnings: readonly string[];
  /** dbadmin's own files. */
  readonly files: readonly MigrationFile[];
  /** What dbadmin's history says is applied, by version. */
  readonly applied: ReadonlyMap<string, HistoryRow>;
  /** Versions of rows that an import made, by their reason. */
  readonly imported: ReadonlyMap<string, string>;
  /** Names of files in the directory of tests. */
  readonly tests: ReadonlySet<string>;
}

export interface ImportEntry {
  /** The other tool's name for it. */
  readonly label: string;
  readonly source: string;
  readonly version: string;
  /** Name of the row, and of the file below sql/migrations where there is one. */
  readonly name: string;
  /** `applied`: a versioned row with the file's checksum; `baseline`: a row without a file; `pending`: a file for the next `up`. */
  readonly kind: 'applied' | 'baseline' | 'pending';
  /** What the row in the history says; the same at each import, so that none is made twice. */
  readonly reason: string;
  readonly text: string;
  readonly sha256: string;
  readonly row: SourceRow | undefined;
  readonly writes: boolean;
  readonly records: boolean;
}

export interface ImportPlan {
  readonly tool: SourceTool;
  readonly table: string;
  readonly entries: readonly ImportEntry[];
  readonly routines: readonly ImportRoutine[];
  /** Verify scripts, as assertions: name and text. */
  readonly tests: readonly { readonly name: string; readonly text: string }[];
  /** Why nothing will be imported; empty when it will. */
  readonly problems: readonly DbadminError[];
  readonly warnings: readonly string[];
}

/** What an import would write, and why not. Touches nothing. */
export function planImport(observed: ObservedSource, parser: SqlParser): ImportPlan {
  const { tool, table } = observed;
  const repeatables = planRepeatables(observed.repeatables, parser);
  const problems = [...observed.problems, ...repeatables.problems, ...duplicateUnits(observed)];
  const warnings = [...observed.warnings, ...repeatables.warnings];
  const entries: ImportEntry[] = [];
  const tests: { readonly name: string; readonly text: string }[] = [];
  if (problems.length === 0) {
    const joined = join(observed);
    const names = nameEntries(joined, observed.imported);
    const disk = new Map(observed.files.map((file) => [sortKey(file.name.version), file]));
    const applied = new Map([...observed.applied.values()].map((row) => [sortKey(row.version ?? ''), row]));
    for (const each of joined) {
      const name = names.get(each);
      if (name === undefined) continue;
      const entry = planEntry(each, name, observed, parser, { problems, warnings, tests });
      if (entry !== undefined) entries.push(compare(entry, observed, disk, applied, problems));
    }
  }
  const { routines } = repeatables;
  return { tool, table, entries, routines, tests: tests.filter(({ name }) => !observed.tests.has(name)), problems, warnings };
}

function duplicateUnits({ units, directory }: ObservedSource): readonly DbadminError[] {
  const seen = new Map<string, SourceUnit>();
  return units.flatMap((unit) => {
    const before = seen.get(unit.id);
    seen.set(unit.id, unit);
    return before === undefined
      ? []
      : [invalidSource(`${directory}/${unit.path} has the version of ${before.path} too`, 'Take away the one that was never applied.')];
  });
}

function join({ tool, rows, units }: ObservedSource): readonly Joined[] {
  const byId = new Map(rows.map((row) => [row.id, row]));
  const known = new Set(units.map(({ id }) => id));
  // The identifier, not the label: two changes of Sqitch may share a name.
  const reasonOf = (id: string): string => `imported from ${tool.product}: ${id}`;
  const joined = units.map((unit): Joined => {
    return { label: unit.label, order: unit.order, row: byId.get(unit.id), unit, reason: reasonOf(unit.id) };
  });
  const alone = rows
    .filter(({ id }) => !known.has(id))
    .map((row): Joined => ({ label: row.label, order: row.order, row, unit: undefined, reason: reasonOf(row.id) }));
  return [...joined, ...alone].sort((a, b) => compareOrder(a.order, b.order) || (a.label < b.label ? -1 : a.label > b.label ? 1 : 0));
}

interface Found {
  readonly problems: DbadminError[];
  readonly warnings: string[];
  readonly tests: { readonly name: string; readonly text: string }[];
}

function planEntry(
  { label, row, unit, reason }: Joined,
  { version, title }: { readonly version: string; readonly title: string },
  { tool, directory }: ObservedSource,
  parser: SqlParser,
  { problems, warnings, tests }: Found,
): ImportEntry | undefined {
  const source = unit === undefined ? label : directory === '' ? unit.path : `${directory}/${unit.path}`;
  const name = `${version}_${title}.sql`;
  const base = { label, source, version, name, reason, row, writes: false, records: false };
  const baseline = (why: string): ImportEntry => {
    warnings.push(`${source} is recorded without its text: ${why}`);
    return { ...base, kind: 'baseline', ...standIn(tool.product, source, why) };
  };
  if (unit === undefined) return baseline(`no file of it is in ${directory}`);
  const converted = convertUnit(unit, directory, parser);
  if (row !== undefined && row.check !== undefined && unit.check !== undefined && row.check !== unit.check) {
    problems.push(
      invalidSource(
        `${source} is not what ${tool.product} applied: its checksum is ${unit.check}, the history's ${row.check}`,
        `Put the file back as it was, or let ${tool.product} accept it, and import again.`,
      ),
    );
  }
  switch (converted.kind) {
    case 'sql':
      warnings.push(...converted.warnings);
      if (converted.verify !== undefined && row !== undefined) tests.push({ name: `verify_${title}.sql`, text: converted.verify });
      return { ...base, kind: row === undefined ? 'pending' : 'applied', text: converted.text, sha256: sha256Of(converted.text) };
    case 'empty':
      return row === undefined ? undefined : baseline('it holds no statement');
    case 'program':
      if (row !== undefined) return baseline('it is a program, which dbadmin cannot run again');
      problems.push(
        invalidSource(`${source} is not applied and not SQL`, `Apply it with ${tool.product} first, or write it as SQL, and import again.`),
      );
      return undefined;
    case 'refused':
      if (row !== undefined) return baseline(converted.why.message);
      problems.push(converted.why);
      return undefined;
  }
}

/** What of the entry is still to do, next to what is there. */
function compare(
  entry: ImportEntry,
  observed: ObservedSource,
  disk: ReadonlyMap<string, MigrationFile>,
  applied: ReadonlyMap<string, HistoryRow>,
  problems: DbadminError[],
): ImportEntry {
  const known = observed.imported.has(entry.reason);
  const file = disk.get(sortKey(entry.version));
  const row = applied.get(sortKey(entry.version));
  const same = file?.file.sha256 === entry.sha256;
  if (known) return { ...entry, writes: entry.kind === 'applied' && file === undefined };
  if (row !== undefined && !same) {
    problems.push(invalidSource(`version ${entry.version} (${entry.source}) is in dbadmin's history already, as ${row.name}`));
  } else if (file !== undefined && !same) {
    problems.push(
      invalidSource(
        `${file.file.path} has version ${entry.version} too, and is not ${entry.source}`,
        'Move it away, or give it a later version.',
      ),
    );
  }
  return { ...entry, writes: entry.kind !== 'baseline' && file === undefined, records: entry.kind !== 'pending' && row === undefined };
}
