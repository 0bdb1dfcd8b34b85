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
  /** What it was copied from, over copies that replay makes: a directory that has to be in the backup. */
  readonly origin: DatabaseDirectory;
}

/**
 * The databases that a backup may not have, from the records of its own WAL in their order: replay makes their files by copying others,
 * and these were deleted while the backup was being taken, before it read them or after.
 *
 * What was read of the copy does not help: replay empties its directory first, and what is not there to be copied it passes over. For the
 * same reason a copy is as good as that of which it was made, whatever becomes of it later: replay has it until it deletes it.
 *
 * @see dbase_redo in src/backend/commands/dbcommands.c of PostgreSQL
 */
export class MovedDatabases {
  /** By the directory of the copy. */
  readonly #copies = new Map<string, Copy>();
  /** Directories that replay does not make, and that were deleted. */
  readonly #gone = new Set<string>();

  add(record: DatabaseRecord): void {
    switch (record.kind) {
      case 'copied': {
        const { directory, source } = record;
        this.#copies.set(keyOf(directory), { ...directory, origin: this.#copies.get(keyOf(source))?.origin ?? source });
        return;
      }
      case 'made':
        this.#copies.delete(keyOf(record.directory));
        return;
      case 'dropped':
        for (const key of record.directories.map(keyOf)) if (!this.#copies.delete(key)) this.#gone.add(key);
    }
  }

  /**
   * `last` is how the databases stood when everything had been read; undefined where nobody could be asked.
   *
   * The server deletes files before it logs that it did, and for as long as that takes only the catalog tells of it: a database has moved
   * by then, and one that is dropped is marked. Of one that was copied to another tablespace it is certain in any case that it goes.
   */
  outcome(last: Databases | undefined): DatabaseCopies {
    const copies = [...this.#copies.values()];
    const gone = new Set(this.#gone);
    for (const { database, tablespace, origin } of copies) {
      if (origin.database === database) {
        if (last === undefined || last.get(database)?.tablespace === tablespace) gone.add(keyOf(origin));
      } else if (last !== undefined && mayBeGone(last, origin)) gone.add(keyOf(origin));
    }
    const isLost = ({ origin }: Copy): boolean => gone.has(keyOf(origin));
    return {
      lost: [...new Set(copies.filter((copy) => isLost(copy) && last?.has(copy.database) !== false).map(({ database }) => database))],
      open: last === undefined ? openOf(copies.filter((copy) => !isLost(copy))) : [],
    };
  }
}

/** Each database once: it has as many copies as tablespaces. */
function openOf(copies: readonly Copy[]): DatabaseCopies['open'] {
  const open = copies.map(({ database, origin }) => ({ database, source: origin.database }));
  return [...new Map(open.map((copy) => [copy.database, copy])).values()];
}

function mayBeGone(databases: Databases, { database }: DatabaseDirectory): boolean {
  const row = databases.get(database);
  return row === undefined || row.mayGo;
}

function keyOf({ tablespace, database }: DatabaseDirectory): string {
  return `${tablespace}/${database}`;
}
