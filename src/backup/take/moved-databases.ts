import type { DatabaseDirectory, DatabaseRecord } from '../../postgres/database-records.ts';

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
  readonly #copies = new Map<string, { readonly database: number; readonly source: string; readonly isLost: boolean }>();

  add(record: DatabaseRecord): void {
    switch (record.kind) {
      case 'copied': {
        const source = keyOf(record.source);
        const isLost = this.#copies.get(source)?.isLost === true;
        this.#copies.set(keyOf(record.directory), { database: record.directory.database, source, isLost });
        return;
      }
      case 'made':
        this.#copies.delete(keyOf(record.directory));
        return;
      case 'dropped':
        for (const directory of record.directories) this.#drop(keyOf(directory));
    }
  }

  /** Their numbers. */
  lost(): readonly number[] {
    return [...this.#copies.values()].filter(({ isLost }) => isLost).map(({ database }) => database);
  }

  #drop(directory: string): void {
    this.#copies.delete(directory);
    for (const [key, copy] of this.#copies) if (copy.source === directory) this.#copies.set(key, { ...copy, isLost: true });
  }
}

function keyOf({ tablespace, database }: DatabaseDirectory): string {
  return `${tablespace}/${database}`;
}
