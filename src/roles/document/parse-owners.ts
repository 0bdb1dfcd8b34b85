import type { OwnerRule } from './document.ts';
import { readObject, readRoleName } from './names.ts';
import type { GrantContext } from './parse-grants.ts';
import type { Reader } from './reader.ts';
import type { Untrusted } from './untrusted.ts';

/** `owners:` of a database: `{ owner: app, of: [table core.play, routine core.f(integer)] }`. */
export function parseOwners(
  reader: Reader,
  value: Untrusted | undefined,
  context: Pick<GrantContext, 'database' | 'schemas'>,
): readonly OwnerRule[] {
  const what = `owners of database ${context.database}`;
  const found = new Map<string, OwnerRule>();
  for (const item of reader.list(value, what)) {
    const fields = reader.fields(item, what, ['owner', 'of']);
    const named = fields.get('owner');
    const owner =
      named === undefined ? reader.problem(item.at, `${what}: owner is missing`) : readRoleName(reader, named, `owner in ${what}`);
    const objects = reader.oneOrMore(fields.get('of'));
    if (objects.length === 0) reader.problem(item.at, `${what}: of is missing`);
    for (const each of objects) {
      const read = readObject(reader, each, `of in ${what}`);
      if (read === undefined) continue;
      if (read.kind !== 'object' || !('schema' in read.object)) {
        reader.problem(each.at, `${what}: name tables, sequences, routines and types one by one`);
        continue;
      }
      if (!context.schemas.has(read.object.schema)) reader.problem(each.at, `schema "${read.object.schema}" is not declared under schemas`);
      const key = JSON.stringify(read.object);
      const before = found.get(key);
      if (before !== undefined) reader.problem(each.at, `${what}: an owner is named on line ${before.at.line} already`);
      else if (owner !== undefined) found.set(key, { at: each.at, owner, on: read.object });
    }
  }
  return [...found.values()];
}
