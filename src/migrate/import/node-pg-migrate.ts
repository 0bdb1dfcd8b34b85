import { onItsLines, stringOf, dateOf, textOf, type SourceFile, type SourceRow, type SourceTool, type SourceUnit } from './source.ts';

const FILE = /^(.+?)(\.up|\.down)?\.(sql|js|mjs|cjs|ts|mts|cts)$/;
const UP = /^\s*--[\s-]*up\s+migration.*$/im;
const DOWN = /^\s*--[\s-]*down\s+migration.*$/im;

/** node-pg-migrate: files named `1763717400000_add-plays.sql`, or `.js` and `.ts`, which only it can run; a table of names. */
export const NODE_PG_MIGRATE: SourceTool = {
  name: 'pgmigrations',
  product: 'node-pg-migrate',
  table: 'pgmigrations',
  columns: ['id', 'name', 'run_on'],
  without: [],
  directories: ['migrations'],
  reads: (path) => !path.includes('/') && FILE.test(path) && !path.endsWith('.d.ts'),
  rowsSql: (table) => `select id, name, pg_catalog.to_json(run_on::timestamptz) as run_on from ${table} order by id`,
  units: (files) => ({ units: pairsOf(files).map(unitOf), warnings: [] }),
  history: (records) => ({
    rows: records.map((record): SourceRow => {
      const name = stringOf(record['name']) ?? '';
      const base = { id: idOf(name), label: name, order: orderOf(name), finishedAt: dateOf(record['run_on']) };
      return { ...base, tookMs: 0, appliedBy: undefined, check: undefined };
    }),
    problems: [],
    warnings: [],
  }),
};

interface Pair {
  readonly name: string;
  main: SourceFile;
  down: SourceFile | undefined;
}

/** A `.down.sql` belongs to the `.up.sql` beside it; the table names the pair without either, or with `.up`. */
function pairsOf(files: readonly SourceFile[]): readonly Pair[] {
  const pairs = new Map<string, Pair>();
  const isDown = (file: SourceFile): boolean => FILE.exec(file.path)?.[2] === '.down';
  for (const file of [...files].sort((a, b) => Number(isDown(a)) - Number(isDown(b)))) {
    const name = FILE.exec(file.path)?.[1] ?? file.path;
    const pair = pairs.get(name);
    if (pair === undefined) pairs.set(name, { name, main: file, down: undefined });
    else if (isDown(file)) pair.down = file;
  }
  return [...pairs.values()];
}

function unitOf({ name, main, down }: Pair): SourceUnit {
  const text = main.path.endsWith('.sql') ? textOf(main) : undefined;
  const sections = text === undefined ? undefined : down === undefined ? sectionsOf(text) : { up: text, down: textOf(down) };
  return {
    id: idOf(name),
    label: name,
    order: orderOf(name),
    path: main.path,
    version: versionOf(name),
    title: name.replace(/^\d+[_-]*/, ''),
    up: sections?.up,
    down: sections?.down,
    verify: undefined,
    transaction: true,
    check: undefined,
    placeholder: undefined,
  };
}

/** As node-pg-migrate cuts: what is between the marks, in either order; without a mark for up, all of it is up. */
function sectionsOf(text: string): { readonly up: string; readonly down: string | undefined } {
  const [up, down] = [UP.exec(text), DOWN.exec(text)];
  const [upAt, downAt] = [up?.index ?? -1, down?.index ?? -1];
  const part = (mark: RegExpExecArray, other: number): string => {
    const from = mark.index + mark[0].length;
    return onItsLines(text, from, text.slice(from, other < mark.index ? undefined : other));
  };
  return { up: up === null ? text : part(up, downAt), down: down === null ? undefined : part(down, upAt) };
}

function idOf(name: string): string {
  return name.replace(/\.(up|down)$/, '');
}

function orderOf(name: string): readonly string[] {
  return [/^\d+/.exec(name)?.[0] ?? '0'];
}

/** 17 digits are a UTC time with milliseconds, which later versions would stand before. */
function versionOf(name: string): string | undefined {
  const digits = /^(\d+)[_-]/.exec(name)?.[1];
  if (digits === undefined || digits.length <= 14) return digits;
  return digits.length === 17 ? `${digits.slice(0, 8)}T${digits.slice(8, 14)}` : undefined;
}
