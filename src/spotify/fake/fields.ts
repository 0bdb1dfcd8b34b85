import type { ApiDescription, Schema } from './description.ts';

/** Before or after the change of 2026-02-11, which took fields and operations away from apps in development mode. */
export type FieldSet = 'before' | 'after';

/** What came with the change; the description marks only what goes. By schema. */
const NEW_FIELDS: Readonly<Record<string, readonly string[]>> = {
  PrivateUserObject: ['account_id'],
  PlaylistTrackObject: ['item'],
  SimplifiedPlaylistObject: ['items'],
  PlaylistObject: ['items'],
};

/**
 * `value` as the API would give it: fields that the description does not know go, and those of the other field set. Null and
 * absent stay as they are: real answers have both where the description promises a value.
 */
export function fitToSchema(description: ApiDescription, schema: Schema, value: unknown, fields: FieldSet): unknown {
  if (value === null || value === undefined) return value;
  const { name, properties, items } = flatten(description, schema, value);
  if (Array.isArray(value)) return value.map((each) => (items === undefined ? each : fitToSchema(description, items, each, fields)));
  if (typeof value !== 'object' || properties === undefined) return value;
  const source = value as Readonly<Record<string, unknown>>;
  const fitted: Record<string, unknown> = {};
  for (const [key, property] of Object.entries(properties)) {
    if (source[key] === undefined || !isIn(fields, property, name, key)) continue;
    fitted[key] = fitToSchema(description, property, source[key], fields);
  }
  return fitted;
}

function isIn(fields: FieldSet, property: Schema, names: readonly string[], key: string): boolean {
  if (fields === 'after') return property.deprecated !== true;
  return !names.some((name) => NEW_FIELDS[name]?.includes(key) === true);
}

interface Flat {
  /** Of the schema and of those it is made of. */
  readonly name: readonly string[];
  readonly properties: Readonly<Record<string, Schema>> | undefined;
  readonly items: Schema | undefined;
}

/** A schema with references followed, `allOf` merged and, among `oneOf`, the one whose `type` is the value's. */
function flatten(description: ApiDescription, given: Schema, value: unknown): Flat {
  const { name, schema } = description.resolve(given);
  const chosen = schema.oneOf?.find((each) => accepts(description, each, value)) ?? schema.oneOf?.[0];
  const parts = [...(schema.allOf ?? []), ...(chosen === undefined ? [] : [chosen])].map((part) => flatten(description, part, value));
  const properties = Object.assign({}, ...parts.map((part) => part.properties ?? {}), schema.properties ?? {}) as Record<string, Schema>;
  return {
    name: [...(name === undefined ? [] : [name]), ...parts.flatMap((part) => part.name)],
    properties: Object.keys(properties).length === 0 ? undefined : properties,
    items: schema.items ?? parts.find((part) => part.items !== undefined)?.items,
  };
}

function accepts(description: ApiDescription, schema: Schema, value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('type' in value)) return false;
  const { properties } = flatten(description, schema, undefined);
  return properties?.['type']?.enum?.includes(value.type) === true;
}

/** An answer that has the right form and says nothing: for operations that no catalogue is behind. */
export function sampleOf(description: ApiDescription, schema: Schema, depth = 0): unknown {
  const { schema: found } = description.resolve(schema);
  if (found.example !== undefined) return found.example;
  const { properties, items } = flatten(description, schema, undefined);
  if (properties !== undefined) {
    if (depth > 6) return {};
    return Object.fromEntries(Object.entries(properties).map(([key, property]) => [key, sampleOf(description, property, depth + 1)]));
  }
  if (found.type === 'array' || items !== undefined)
    return items === undefined || depth > 6 ? [] : [sampleOf(description, items, depth + 1)];
  return found.enum?.[0] ?? SCALARS[found.type ?? 'string'] ?? '';
}

const SCALARS: Readonly<Record<string, unknown>> = { string: '', integer: 0, number: 0, boolean: false, object: {} };
