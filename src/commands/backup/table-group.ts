import type { CommandSpec } from '../command.ts';

export const TABLE_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'backup table export',
    summary: 'export one table: its rows as CSV, its definition, a checksum',
    description: `As the table is at one moment. The directory holds rows.csv, which any tool reads, and table.json, written last, with the
columns and their types, constraints, indexes, the number of rows, how values are written, and the SHA-256 of rows.csv, which is in
UTF-8; from a database of encoding SQL_ASCII its bytes stay as they are there, for another of that encoding, or for any as far as
they are UTF-8. All rows: a role for which row-level security policies would leave some out is refused. It needs SELECT on the table
itself, which is locked against TRUNCATE and rewriting for so long: SELECT on the columns alone is not enough.

$ dbadmin backup table export core.track --out /srv/export/track`,
    args: [{ form: '<table>', summary: 'schema.table' }],
    options: [
      { flags: '--out <dir>', summary: 'where to: empty, or not there yet' },
      { flags: '--database <name>', summary: 'the database it is in', fallback: 'that of the connection' },
    ],
    json: [
      'format, table, rows, sha256, sizeBytes, textSettings, encoding, exportedAt, serverVersion, tool: as in table.json',
      'directory: path',
    ],
    load: async () => await import('./table-export.ts'),
  },
  {
    name: 'backup table import',
    summary: 'import an exported table: into a new one, or the rows that are missing',
    description: `All or nothing. Into a table that is there go only the rows that it has not got, so that importing twice adds nothing. They keep the
values they had, identity columns too, and sequences that belong to columns are moved past them; where the role may not (SELECT and UPDATE
on the sequence) the statement is shown. Generated columns are generated again. Rows that are not what was exported are refused, and so is
a table that would make others of them: one with triggers for INSERT, unless --fire-triggers says that they are meant, and each row
has to be there in the end as it was exported.

$ dbadmin backup table import /srv/export/track --as restored.track`,
    args: [{ form: '<dir>', summary: 'of an export' }],
    options: [
      { flags: '--as <table>', summary: 'schema.table', fallback: 'where it was exported from' },
      { flags: '--fire-triggers', summary: 'let the triggers of a table that is there fire for the rows that are added' },
      { flags: '--database <name>', summary: 'the database it goes to', fallback: 'that of the connection' },
    ],
    json: [
      'to: { schema, name }',
      'made: whether the table was made',
      'rows: in the export',
      'added: rows that were not there',
      'fired: names of the triggers that they fired',
      'sequences: those that were behind the values of these rows: { column, sequence, past, moved }',
      'renamed: indexes of a table that was made whose name was taken: { from, to }',
    ],
    load: async () => await import('./table-import.ts'),
  },
];
