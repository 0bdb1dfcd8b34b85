import type { Repository } from '../../repository/repository.ts';
import { dumpPrefix } from './layout.ts';

/** A dump, by its label. */
export interface LastDump {
  readonly label: string;
  /** When it began, ISO 8601. */
  readonly at: string;
}

/** The last complete dump of a lineage; undefined when there is none. */
export async function lastDump({ store }: Repository, systemIdentifier: string): Promise<LastDump | undefined> {
  const prefix = dumpPrefix(`${systemIdentifier}/`);
  let last: LastDump | undefined;
  for await (const { key } of store.list(prefix)) {
    const label = /^([^/]+)\/manifest\.json$/.exec(key.slice(prefix.length))?.[1] ?? '';
    const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/.exec(label) ?? [];
    if (second === undefined) continue;
    const at = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
    if (last === undefined || at > last.at) last = { label, at };
  }
  return last;
}
