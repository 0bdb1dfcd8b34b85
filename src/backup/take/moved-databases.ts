import type { DatabaseDirectory, DatabaseRecord } from '../../postgres/database-records.ts';

/** A row of pg_database. */
export interface DatabaseRow {
  readonly name: string;
  /** Another with every change of the row. Moving the database is one. */
  readonly version: string;
  readonly tablespace: number;
  /** Somebody drops or moves it, or began to drop it: its files may be gone already. */
  readonly mayGo: boolean;
}

/** The databases of a cluster by their numbers. */
export type Databases = ReadonlyMap<number, DatabaseRow>;

/** What the records say of copies. */
export interface DatabaseCopies {
  /** Numbers of databases that the backup may not have. */
  readonly lost: readonly number[];
  /** Pairs of numbers: copies, and of what. It is not known whether that was dropped at last. */
  readonly open: readonly { readonly database: number; readonly source: number }[];
}

interface Copy {
  readonly database: number;
  readonly tablespace: number;
  readonly source: DatabaseDirectory;
  readonly isLost: boolean;
}

/**
 * The databases that a backup may not have, from the records of its own WAL in their order: replay makes their files by copying others,
 * and these were deleted while the backup was being taken, before it read them or after.
 *
 * What was read of the copy does not help: replay empties its directory first, and what is not there to be copied it passes over.
 *
 * @see dbase_redo in src/backend/commands/dbcommands.c of PostgreSQL
 */
export class MovedDatabases {
  /** By the directory of the copy. */
  readonly #copies = new Map<string, Copy>();

  add(record: DatabaseRecord): void {
    switch (record.kind) {
      case 'copied': {
        const { directory, source } = record;
        this.#copies.set(keyOf(directory), { ...directory, source, isLost: this.#copies.get(keyOf(source))?.isLost === true });
        return;
      }
      case 'made':
        this.#copies.delete(keyOf(record.directory));
        return;
      case 'dropped':
        for (const directory of record.directories) {
          this.#copies.delete(keyOf(directory));
          this.#lose(keyOf(directory));
        }
    }
  }

  /**
   * `last` is how the databases stood when everything had been read; undefined where nobody could be asked.
   *
   * The server deletes files before it logs that it did, and for as long as that takes only the catalog tells of it: a database has moved
   * by then, and one that is dropped is marked. Of one that was copied to another tablespace it is certain in any case that it goes.
   */
  outcome(last: Databases | undefined): DatabaseCopies {
    for (const { database, tablespace, source } of this.#copies.values()) {
      if (source.database === database) {
        if (last === undefined || last.get(database)?.tablespace === tablespace) this.#lose(keyOf(source));
      } else if (last !== undefined && mayBeGone(last, source)) this.#lose(keyOf(source));
    }
    const copies = [...this.#copies.values()];
    return {
      lost: [...new Set(copies.filter(({ isLost, database }) => isLost && last?.has(database) !== false).map(({ database }) => database))],
      open: last === undefined ? openOf(copies) : [],
    };
  }

  /** What was copied from a directory that is gone is lost, and so are copies of that. */
  #lose(source: string): void {
    for (const [key, copy] of this.#copies) {
      if (copy.isLost || keyOf(copy.source) !== source) continue;
      this.#copies.set(key, { ...copy, isLost: true });
      this.#lose(key);
    }
  }
}

/** Each database once: it has as many copies as tablespaces. */
function openOf(copies: readonly Copy[]): DatabaseCopies['open'] {
  const open = copies.filter(({ isLost }) => !isLost).map(({ database, source }) => ({ database, source: source.database }));
  return [...new Map(open.map((copy) => [copy.database, copy])).values()];
}

function mayBeGone(databases: Databases, { database }: DatabaseDirectory): boolean {
  const row = databases.get(database);
  return row === undefined || row.mayGo;
}

function keyOf({ tablespace, database }: DatabaseDirectory): string {
  return `${tablespace}/${database}`;
}
