import { dateOf, sha1Of, stringOf, textOf, withoutZeros } from './source.ts';
import type { SourceFile, SourceRow, SourceTool, SourceUnit } from './source.ts';

const FILE = /^committed\/(\d{6,})(?:-(.*))?\.sql$/;
const HEADER = /^--! ([A-Z][a-zA-Z0-9_]*)(?::(.*))?$/;

/** graphile-migrate: a chain of committed files, each with the hash of itself and the one before it in its header. */
export const GRAPHILE_MIGRATE: SourceTool = {
  name: 'graphile-migrate',
  product: 'graphile-migrate',
  table: 'graphile_migrate.migrations',
  columns: ['hash', 'previous_hash', 'filename', 'date'],
  without: [],
  directories: ['migrations'],
  reads: (path) => FILE.test(path) || path === 'current.sql' || path.startsWith('current/'),
  rowsSql: (table) => `select hash, previous_hash, filename, pg_catalog.to_json(date) as date from ${table} order by filename`,
  units: (files) => ({
    units: files.filter(({ path }) => FILE.test(path)).map(unitOf),
    warnings: files
      .filter(({ path, bytes }) => !FILE.test(path) && path.endsWith('.sql') && /^\s*[^-\s]/m.test(Buffer.from(bytes).toString('utf8')))
      .map(({ path }) => `${path} is not committed and not imported: make a migration of it with dbadmin migrate new`),
  }),
  history: (records) => ({
    rows: records.map((record): SourceRow => {
      const number = (stringOf(record['filename']) ?? '').replace(/\D.*$/, '');
      const base = { id: withoutZeros(number), label: number, order: [number], finishedAt: dateOf(record['date']) };
      return { ...base, tookMs: 0, appliedBy: undefined, check: stringOf(record['hash']) };
    }),
    problems: [],
    warnings: [],
  }),
};

function unitOf(file: SourceFile): SourceUnit {
  const [, number = '', slug] = FILE.exec(file.path) ?? [];
  const text = textOf(file);
  const lines = text.split('\n');
  const headers = new Map<string, string>();
  for (const line of lines) {
    const match = HEADER.exec(line);
    if (match === null) break;
    headers.set(match[1] ?? '', (match[2] ?? '').trim());
  }
  const body = lines.slice(headers.size).join('\n');
  const previous = headers.get('Previous') ?? '-';
  const placeholder = /:DATABASE_(?:NAME|OWNER)\b/.exec(text);
  return {
    id: withoutZeros(number),
    label: number,
    order: [number],
    path: file.path,
    version: number,
    title: slug ?? headers.get('Message') ?? 'migration',
    up: '\n'.repeat(headers.size) + body,
    down: undefined,
    verify: undefined,
    transaction: !/^--!\s*no-transaction\b/.test(body.trimStart()),
    // The author's word that the file may differ.
    check: headers.has('AllowInvalidHash')
      ? undefined
      : `sha1:${sha1Of(`${`${previous === '-' ? '' : previous}\n${body.trim()}`.trim()}\n`)}`,
    placeholder: placeholder === null ? undefined : { text: placeholder[0], offset: placeholder.index },
  };
}
