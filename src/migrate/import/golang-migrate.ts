import {
  compareOrder,
  invalidSource,
  stringOf,
  textOf,
  withoutZeros,
  type SourceFile,
  type SourceRow,
  type SourceTool,
  type SourceUnit,
} from './source.ts';

const FILE = /^(\d+)_(.*)\.(up|down)\.sql$/;

/** golang-migrate: pairs of `.up.sql` and `.down.sql`; one row with the newest version, and whether it broke off. */
export const GOLANG_MIGRATE: SourceTool = {
  name: 'golang-migrate',
  product: 'golang-migrate',
  table: 'schema_migrations',
  columns: ['version', 'dirty'],
  without: [],
  directories: ['db/migrations', 'migrations', 'db/migration'],
  reads: (path) => !path.includes('/') && FILE.test(path),
  rowsSql: (table) => `select version::text as version, dirty from ${table} order by version`,
  units: (files) => ({ units: unitsOf(files), warnings: [] }),
  history: (records, units) => {
    const problems = records
      .filter((record) => record['dirty'] === true)
      .map((record) => {
        const version = stringOf(record['version']) ?? '';
        return invalidSource(
          `golang-migrate stopped half way in version ${version} (dirty)`,
          `Look at what of it is in the database, undo or finish that by hand, then say so with migrate force ${version} (finished) or the version before it (undone), and import again.`,
        );
      });
    // It knows no more than where it stands: everything up to there counts as applied.
    const newest = records
      .flatMap((record) => stringOf(record['version']) ?? [])
      .sort((a, b) => compareOrder([a], [b]))
      .at(-1);
    const applied = newest === undefined ? [] : units.filter(({ order }) => compareOrder(order, [newest]) <= 0);
    const rows = applied.map(rowOf);
    if (newest !== undefined && !applied.some(({ id }) => id === withoutZeros(newest))) {
      const id = withoutZeros(newest);
      rows.push({ id, label: newest, order: [id], finishedAt: undefined, tookMs: 0, appliedBy: undefined, check: undefined });
    }
    return { rows, problems, warnings: [] };
  },
};

function rowOf({ id, label, order }: SourceUnit): SourceRow {
  return { id, label, order, finishedAt: undefined, tookMs: 0, appliedBy: undefined, check: undefined };
}

function unitsOf(files: readonly SourceFile[]): readonly SourceUnit[] {
  const downs = new Map<string, SourceFile>();
  for (const file of files) {
    const [, version = '', , direction] = FILE.exec(file.path) ?? [];
    if (direction === 'down') downs.set(withoutZeros(version), file);
  }
  return files.flatMap((file): readonly SourceUnit[] => {
    const [, version = '', title = '', direction] = FILE.exec(file.path) ?? [];
    if (direction !== 'up') return [];
    const id = withoutZeros(version);
    const down = downs.get(id);
    return [
      {
        id,
        label: version,
        order: [version],
        path: file.path,
        version: version.length <= 14 ? version : undefined,
        title,
        up: textOf(file),
        down: down === undefined ? undefined : textOf(down),
        verify: undefined,
        transaction: true,
        check: undefined,
        placeholder: undefined,
      },
    ];
  });
}
