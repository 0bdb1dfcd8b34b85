import { quoteIdentifier } from '../../postgres/quote.ts';
import { asNode, asText, namesOf } from '../sql/parser.ts';

/** A table, index, view, sequence or materialized view as a statement names it. */
export interface RelationName {
  /** Undefined when the statement leaves it to the search path. */
  readonly schema: string | undefined;
  readonly name: string;
}

/** The name in a RangeVar; undefined where there is none. */
export function rangeName(value: unknown): RelationName | undefined {
  const fields = asNode(value);
  const name = asText(fields['relname']);
  return name === undefined ? undefined : { schema: asText(fields['schemaname']), name };
}

/** The name in a list of words such as `DROP TABLE` and `COMMENT` have it: `[schema, name]`, with the database before it or not. */
export function listedName(value: unknown): RelationName | undefined {
  const names = namesOf(asNode(asNode(value)['List'])['items'] ?? value);
  const name = names.at(-1);
  return name === undefined ? undefined : { schema: names.at(-2), name };
}

/** The relation that a list of words names before its last one: `[schema, table, trigger]` of `DROP TRIGGER`. */
export function ownerName(value: unknown): RelationName | undefined {
  const names = namesOf(asNode(asNode(value)['List'])['items'] ?? value);
  const name = names.at(-2);
  return name === undefined ? undefined : { schema: names.at(-3), name };
}

/** `core.play`, quoted where it must be. */
export function showRelation({ schema, name }: RelationName): string {
  return schema === undefined ? quoteIdentifier(name) : `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}

/** What tells relations apart in a map. No schema is a schema of its own here: see `resolve` of the known objects. */
export function relationKey({ schema, name }: RelationName): string {
  return JSON.stringify([schema ?? null, name]);
}
