import { onItsLines, stringOf, textOf, withoutZeros, type SourceFile, type SourceRow, type SourceTool, type SourceUnit } from './source.ts';

const FILE = /^(\d+)(.*)\.sql$/;
const UP = /^--\s*migrate:up(\s*$|\s+\S+.*$)/m;
const DOWN = /^--\s*migrate:down(\s*$|\s+\S+.*$)/m;

/** dbmate: files with the sections `-- migrate:up` and `-- migrate:down`; a table of versions. */
export const DBMATE: SourceTool = {
  name: 'dbmate',
  product: 'dbmate',
  table: 'schema_migrations',
  columns: ['version'],
  without: ['dirty'],
  directories: ['db/migrations'],
  reads: (path) => !path.includes('/') && FILE.test(path),
  rowsSql: (table) => `select version::text as version from ${table} order by version`,
  units: (files) => ({ units: files.map(unitOf), warnings: [] }),
  history: (records) => ({
    rows: records.map((record): SourceRow => {
      const version = stringOf(record['version']) ?? '';
      const base = { id: withoutZeros(version), label: version, order: [version] };
      return { ...base, finishedAt: undefined, tookMs: 0, appliedBy: undefined, check: undefined };
    }),
    problems: [],
    warnings: [],
  }),
};

function unitOf(file: SourceFile): SourceUnit {
  const [, version = '', rest = ''] = FILE.exec(file.path) ?? [];
  const text = textOf(file);
  const [up, down] = [UP.exec(text), DOWN.exec(text)];
  const end = down === null || (up !== null && down.index < up.index) ? text.length : down.index;
  const from = up === null ? 0 : up.index + up[0].length;
  return {
    id: withoutZeros(version),
    label: version,
    order: [version],
    path: file.path,
    version: version.length <= 14 ? version : undefined,
    title: rest.replace(/^[_-]+/, ''),
    // What stands before the mark can only be comments: dbmate refuses anything else.
    up: up === null ? text : text.slice(0, up.index) + text.slice(from, end),
    down: down === null ? undefined : onItsLines(text, down.index + down[0].length, text.slice(down.index + down[0].length)),
    verify: undefined,
    transaction: !/transaction:false/.test(up?.[0] ?? ''),
    check: undefined,
    placeholder: undefined,
  };
}
