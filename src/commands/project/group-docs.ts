import type { CommandSpec } from '../command.ts';

export const DOCS_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'docs',
    summary: 'data dictionary and entity diagram of a database, from its catalog',
    description: `Describes every schema of the database, or those named: tables with columns, types, defaults, keys, indexes, triggers, row
policies and comments, views and what they read, types, routines with their signatures, and who may do what. With --out it
writes dictionary.md (with a Mermaid diagram a schema) and dictionary.html (one page that needs nothing else, diagrams drawn);
without, the Markdown goes to stdout. The same catalog gives the same text, so that the files can be committed. What belongs to
an extension is left out, and so is dbadmin's own history.

Reading the catalog needs no right on the objects, so any role that may connect will do, on a standby too.

--check writes nothing and exits 2 where the files are not what they would be now, naming what changed. --require-comments
exits 2 while something has no comment: schemas, relations, columns of tables, types and routines.

$ dbadmin docs --out docs/database
$ dbadmin docs --schema core --schema 'mart*' --format html > mart.html
$ dbadmin docs --out docs/database --check --require-comments`,
    options: [
      { flags: '--out <dir>', summary: 'where dictionary.md and dictionary.html go', fallback: 'stdout' },
      {
        flags: '--format <form>',
        summary: 'one of the two alone',
        choices: ['markdown', 'html'],
        fallback: 'both with --out, markdown without',
      },
      { flags: '--schema <name>', summary: 'only this schema; * and ? stand for letters', repeatable: true },
      { flags: '--database <name>', summary: 'of this database', fallback: 'that of the connection' },
      { flags: '--title <text>', summary: 'what stands on top', fallback: 'the name of the database' },
      { flags: '--check', summary: 'write nothing; exit 2 when the files are out of date' },
      { flags: '--require-comments', summary: 'exit 2 when something has no comment' },
    ],
    json: [
      'database: name; schemas: array of { name, relations, types, routines: counts }',
      'undocumented: array of { kind, name }',
      'stale: array of { file, state: missing or differs, sections: array of headings }, with --check',
      'written: array of paths, without --check',
    ],
    load: async () => await import('./docs.ts'),
  },
];
