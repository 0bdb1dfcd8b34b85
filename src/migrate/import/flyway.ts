import { crc32 } from 'node:zlib';
import { dateOf, invalidSource, stringOf, textOf, withoutZeros } from './source.ts';
import type {
  RepeatableRow,
  SourceFile,
  SourceHistory,
  SourceRecord,
  SourceRepeatable,
  SourceRow,
  SourceTool,
  SourceUnit,
} from './source.ts';

const FILE = /(?:^|\/)([VU])([0-9][0-9._]*)__(.*)\.sql$/;
const REPEATABLE = /(?:^|\/)R__(.*)\.sql$/;
const SETTINGS = /\.sql\.conf$/;
const PLACEHOLDER = /\$\{[\w:.-]+\}/;

/** Flyway: `V1_2__add_plays.sql`, undone by `U1_2__…`, and `R__plays.sql`, run whenever it changes; a table with a checksum, who, when, and whether it worked. */
export const FLYWAY: SourceTool = {
  name: 'flyway',
  product: 'Flyway',
  table: 'flyway_schema_history',
  columns: ['installed_rank', 'version', 'description', 'type', 'script', 'checksum', 'success'],
  without: [],
  directories: ['db/migration', 'src/main/resources/db/migration', 'migrations', 'flyway/sql'],
  reads: (path) => FILE.test(path) || REPEATABLE.test(path) || SETTINGS.test(path),
  rowsSql: (table) => `select installed_rank, version, description, type, script, checksum, installed_by,
    pg_catalog.to_json(installed_on::timestamptz) as installed_on, execution_time, success from ${table} order by installed_rank`,
  units: (files) => ({ units: unitsOf(files), repeatables: files.flatMap(repeatableOf), warnings: [] }),
  history: readHistory,
};

function unitsOf(files: readonly SourceFile[]): readonly SourceUnit[] {
  const undos = new Map<string, SourceFile>();
  const settings = new Map<string, string>();
  for (const file of files) {
    const match = FILE.exec(file.path);
    if (match?.[1] === 'U') undos.set(idOf(match[2] ?? ''), file);
    if (SETTINGS.test(file.path)) settings.set(file.path.slice(0, -'.conf'.length), textOf(file));
  }
  return files.flatMap((file): readonly SourceUnit[] => {
    const [, kind, written = '', title = ''] = FILE.exec(file.path) ?? [];
    if (kind !== 'V') return [];
    const text = textOf(file);
    const id = idOf(written);
    const undo = undos.get(id);
    return [
      {
        id,
        label: `V${id}`,
        order: id.split('.'),
        path: file.path,
        version: /^\d{1,14}$/.test(id) ? id : undefined,
        title,
        up: text,
        down: undo === undefined ? undefined : textOf(undo),
        verify: undefined,
        transaction: !/^\s*executeInTransaction\s*=\s*false/m.test(settings.get(file.path) ?? ''),
        check: String(flywayChecksum(text)),
        placeholder: placeholderIn(text),
      },
    ];
  });
}

function repeatableOf(file: SourceFile): readonly SourceRepeatable[] {
  const title = REPEATABLE.exec(file.path)?.[1];
  if (title === undefined) return [];
  const text = textOf(file);
  // Rows name the script by its path below a location, of which the directory may hold several.
  const id = file.path.slice(file.path.lastIndexOf('/') + 1);
  return [{ id, path: file.path, title, text, check: String(flywayChecksum(text)), placeholder: placeholderIn(text) }];
}

function placeholderIn(text: string): SourceRepeatable['placeholder'] {
  const found = PLACEHOLDER.exec(text);
  return found === null ? undefined : { text: found[0], offset: found.index };
}

/** Versions that were undone or deleted later are not applied; a failed one stops everything. */
function readHistory(records: readonly SourceRecord[]): SourceHistory {
  const rows = new Map<string, SourceRow>();
  const repeatables = new Map<string, RepeatableRow>();
  const problems = [];
  const warnings: string[] = [];
  for (const record of records) {
    const version = stringOf(record['version']);
    const script = stringOf(record['script']) ?? '';
    const type = stringOf(record['type']) ?? '';
    if (record['success'] === false) {
      problems.push(
        invalidSource(
          `Flyway's migration ${script} failed (row ${stringOf(record['installed_rank']) ?? '?'})`,
          'Undo what it left behind by hand, take the row away with flyway repair, and import again.',
        ),
      );
    }
    const applied = {
      finishedAt: dateOf(record['installed_on']),
      tookMs: Number(record['execution_time'] ?? 0),
      appliedBy: stringOf(record['installed_by']),
      check: stringOf(record['checksum']),
    };
    if (version === undefined) {
      const name = script.slice(script.lastIndexOf('/') + 1);
      if (type === 'DELETE') repeatables.delete(name);
      else if (REPEATABLE.test(name)) repeatables.set(name, applied);
      continue;
    }
    const id = idOf(version);
    if (type.startsWith('UNDO') || type === 'DELETE') rows.delete(id);
    else {
      if (type === 'BASELINE') warnings.push(`${script}: Flyway began with what was there at version ${version}`);
      rows.set(id, {
        id,
        label: `V${id}`,
        order: id.split('.'),
        ...applied,
      });
    }
  }
  return { rows: [...rows.values()], repeatables, problems, warnings };
}

/** `1_02` and `1.2.0` are version `1.2`. */
function idOf(version: string): string {
  const parts = version
    .split(/[._]/)
    .filter((part) => part !== '')
    .map(withoutZeros);
  while (parts.length > 1 && parts.at(-1) === '0') parts.pop();
  return parts.join('.');
}

/** CRC-32 over the lines without what ends them, as a signed number. `text` has no byte order mark. */
export function flywayChecksum(text: string): number {
  return crc32(text.split(/\r\n|\r|\n/).join('')) | 0;
}
