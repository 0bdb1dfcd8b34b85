import type { Repository } from '../../repository/repository.ts';
import { momentOf } from '../../repository/stored-moment.ts';
import { dumpKey, dumpPrefix } from './layout.ts';
import type { DumpFormat } from './manifest.ts';

/** A complete dump: its manifest, written last, is there. */
export interface ListedDump {
  readonly label: string;
  /** When it began: as its label has it, or when it was stored where the tool's clock was ahead. */
  readonly startedAt: Date;
  /** By the store's clock. */
  readonly storedAt: Date;
}

/** A dump with what the storage has of it. */
export interface ListedContent extends ListedDump {
  /** Whether the storage has the object in which its content of a database is. Whether that is all of the database, only the manifest says. */
  readonly has: (database: string) => boolean;
}

/** Which of them a dump has only its manifest says. */
const FORMATS: readonly DumpFormat[] = ['custom', 'directory'];

/** The complete dumps, by their beginnings, oldest first. A label of which the moment has not come at `now` is of a clock that was ahead. */
export async function listDumpTimes({ store }: Repository, keyPrefix: string, now: Date): Promise<readonly ListedContent[]> {
  const prefix = dumpPrefix(keyPrefix);
  const dumps: ListedContent[] = [];
  const keys = new Set<string>();
  for await (const { key, modifiedAt: storedAt } of store.list(prefix)) {
    const [label = '', file = ''] = key.slice(prefix.length).split('/');
    if (file !== 'manifest.json') keys.add(key);
    else {
      const startedAt = momentOf(timeOfLabel(label) ?? storedAt, storedAt, now);
      const has = (database: string): boolean => FORMATS.some((format) => keys.has(dumpKey(keyPrefix, label, database, format)));
      dumps.push({ label, startedAt, storedAt, has });
    }
  }
  return dumps.sort((a, b) => a.startedAt.getTime() - b.startedAt.getTime() || (a.label < b.label ? -1 : 1));
}

/** The moment in `20261121T203001Z-dump`. */
function timeOfLabel(label: string): Date | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/.exec(label);
  return match === null ? undefined : new Date(`${match[1]}-${match[2]}-${match[3]}T${match[4]}:${match[5]}:${match[6]}Z`);
}
