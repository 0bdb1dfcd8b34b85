import type { Repository } from '../../repository/repository.ts';
import { dumpPrefix } from './layout.ts';

/** When the last complete dump of a lineage began, ISO 8601, by its label; undefined when there is none. */
export async function lastDump({ store }: Repository, systemIdentifier: string): Promise<string | undefined> {
  const prefix = dumpPrefix(`${systemIdentifier}/`);
  let last: string | undefined;
  for await (const { key } of store.list(prefix)) {
    const [, year, month, day, hour, minute, second] =
      /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z[^/]*\/manifest\b/.exec(key.slice(prefix.length)) ?? [];
    if (second === undefined) continue;
    const at = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
    if (last === undefined || at > last) last = at;
  }
  return last;
}
