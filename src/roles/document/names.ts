import type { NarrowForm } from '../object-forms.ts';
import type { ObjectName, Position, QualifiedName } from './document.ts';
import { inputTypes } from '../routine-name.ts';
import type { Reader } from './reader.ts';
import type { Untrusted } from './untrusted.ts';

const MAX_NAME_BYTES = 63;

/** What is wrong with `name` as the name of anything in PostgreSQL, or undefined. */
export function nameProblem(name: string): string | undefined {
  if (name === '') return 'a name may not be empty';
  if (name.includes('\0')) return 'a name may not hold a NUL character';
  const sizeBytes = Buffer.byteLength(name, 'utf8');
  // The server cuts a longer name with no more than a notice; the plan would then never be empty.
  return sizeBytes > MAX_NAME_BYTES ? `"${name}" has ${sizeBytes} bytes; PostgreSQL keeps ${MAX_NAME_BYTES}` : undefined;
}

/** A name of the user's, checked. */
export function readName(reader: Reader, value: Untrusted, what: string): string | undefined {
  const name = reader.text(value, what);
  if (name === undefined) return undefined;
  const wrong = nameProblem(name);
  return wrong === undefined ? name : reader.problem(value.at, `${what}: ${wrong}`);
}

/** A role that somebody else declared or that exists: any name but the ones no role can have. */
export function readRoleName(reader: Reader, value: Untrusted, what: string): string | undefined {
  const name = readName(reader, value, what);
  if (name === 'public') return reader.problem(value.at, `${what}: "public" is not a role; what everybody may do is set with public:`);
  return name === 'none' ? reader.problem(value.at, `${what}: "none" cannot be the name of a role`) : name;
}

export function isSystemSchema(name: string): boolean {
  return name.startsWith('pg_') || name === 'information_schema';
}

/**
 * The parts of a dotted SQL name and what follows it: `core."Odd name"(int)` gives `core`, `Odd name` and `(int)`.
 * Undefined when the text is no such name. A bare part may hold lower-case letters, digits, _ and $.
 */
export function splitName(text: string): { readonly parts: readonly string[]; readonly rest: string } | undefined {
  const parts: string[] = [];
  let rest = text.trimStart();
  for (;;) {
    const match = /^(?:"((?:[^"]|"")+)"|([a-z_\u0080-\uffff][a-z0-9_$\u0080-\uffff]*))/.exec(rest);
    if (match === null) return undefined;
    parts.push(match[1] === undefined ? (match[2] ?? '') : match[1].replaceAll('""', '"'));
    rest = rest.slice(match[0].length);
    if (!rest.startsWith('.')) return { parts, rest: rest.trim() };
    rest = rest.slice(1);
  }
}

/** `schema.name`, parts in double quotes where SQL needs them. */
export function readQualifiedName(reader: Reader, value: Untrusted, what: string): QualifiedName | undefined {
  const text = reader.text(value, what);
  if (text === undefined) return undefined;
  const split = splitName(text);
  const [schema, name] = split?.parts ?? [];
  if (split === undefined || schema === undefined || name === undefined || split.parts.length !== 2 || split.rest !== '') {
    return reader.problem(value.at, `${what} is "${text}"; write schema.name, with double quotes around parts that need them`);
  }
  return checkParts(reader, value.at, what, [schema, name]) ? { schema, name } : undefined;
}

function checkParts(reader: Reader, at: Position, what: string, parts: readonly string[]): boolean {
  const wrong = parts.map(nameProblem).find((each) => each !== undefined);
  if (wrong !== undefined) reader.problem(at, `${what}: ${wrong}`);
  return wrong === undefined;
}

type SchemaKind = 'table' | 'sequence' | 'routine' | 'type';

/** What a word before a name stands for. With `only`, it is less than the whole kind. */
interface Word {
  readonly kind: ObjectName['kind'] | 'extension' | 'parameter' | 'large object';
  readonly only?: NarrowForm;
}

const WORDS: Readonly<Record<string, Word>> = {
  database: { kind: 'database' },
  schema: { kind: 'schema' },
  table: { kind: 'table' },
  'partitioned table': { kind: 'table', only: 'partitioned table' },
  'foreign table': { kind: 'table', only: 'foreign table' },
  view: { kind: 'table', only: 'view' },
  'materialized view': { kind: 'table', only: 'materialized view' },
  sequence: { kind: 'sequence' },
  routine: { kind: 'routine' },
  function: { kind: 'routine', only: 'function' },
  procedure: { kind: 'routine', only: 'procedure' },
  aggregate: { kind: 'routine', only: 'aggregate' },
  type: { kind: 'type' },
  domain: { kind: 'type', only: 'domain' },
  language: { kind: 'language' },
  'foreign data wrapper': { kind: 'foreign data wrapper' },
  fdw: { kind: 'foreign data wrapper' },
  'foreign server': { kind: 'server' },
  server: { kind: 'server' },
  tablespace: { kind: 'tablespace' },
  extension: { kind: 'extension' },
  parameter: { kind: 'parameter' },
  'large object': { kind: 'large object' },
};
const LONGEST_FIRST = Object.keys(WORDS).sort((left, right) => right.length - left.length);

const NEW_OBJECTS: Readonly<Record<string, SchemaKind | 'schema'>> = {
  tables: 'table',
  sequences: 'sequence',
  routines: 'routine',
  functions: 'routine',
  types: 'type',
  schemas: 'schema',
};

/** What stands after `on:`: an object, every object of a kind in a schema, what will be made, or an extension. */
export type ReadObject =
  | { readonly kind: 'object'; readonly object: ObjectName }
  | { readonly kind: 'all'; readonly of: SchemaKind; readonly only: NarrowForm | undefined; readonly schema: string }
  | { readonly kind: 'new'; readonly of: SchemaKind | 'schema'; readonly schema: string | undefined }
  | { readonly kind: 'extension'; readonly name: string };

/** `table core.play`, `routine core.merge(bigint, text)`, `schema core`, `view core.*`, `server lake`, `new tables in core`. */
export function readObject(reader: Reader, value: Untrusted, what: string): ReadObject | undefined {
  const text = reader.text(value, what)?.trim();
  if (text === undefined) return undefined;
  const problem = (message: string): undefined => reader.problem(value.at, `${what} is "${text}"; ${message}`);
  if (/^new\s/i.test(text)) return readNew(reader, value.at, what, text, problem);
  const word = LONGEST_FIRST.find((each) => text.toLowerCase().startsWith(`${each} `));
  const meant = word === undefined ? undefined : WORDS[word];
  if (word === undefined || meant === undefined) return problem('write a kind and a name, such as table core.play or schema core');
  if (meant.kind === 'parameter')
    return problem('parameters belong to the whole cluster: write it under parameters, at the top of the file');
  if (meant.kind === 'large object') return problem('privileges on large objects are reported, not managed');
  const name = text.slice(word.length + 1).trim();
  const isInSchema = meant.kind === 'table' || meant.kind === 'sequence' || meant.kind === 'routine' || meant.kind === 'type';
  const all = isInSchema ? /^(.*)\.\*$/s.exec(name) : null;
  const split = splitName(all?.[1] ?? name);
  const parts = split?.parts ?? [];
  const [first, second] = parts;
  if (split === undefined || first === undefined || parts.length !== (isInSchema && all === null ? 2 : 1)) {
    return problem(`after ${word} comes ${isInSchema ? 'schema.name' : 'one name'}, with double quotes around parts that need them`);
  }
  if (!checkParts(reader, value.at, what, parts)) return undefined;
  if ((meant.kind !== 'routine' || all !== null) && split.rest !== '') return problem(`"${split.rest}" is too much`);
  if (meant.kind === 'extension') return { kind: 'extension', name: first };
  if (!isInSchema) return { kind: 'object', object: { kind: meant.kind, name: first } };
  if (all !== null) return { kind: 'all', of: meant.kind, only: meant.only, schema: first };
  const named = { schema: first, name: second ?? '', ...(meant.only === undefined ? {} : { only: meant.only }) };
  if (meant.kind !== 'routine') return { kind: 'object', object: { kind: meant.kind, ...named } };
  const argumentTypes = /^\((.*)\)$/s.exec(split.rest)?.[1];
  if (argumentTypes === undefined)
    return problem(`a routine is named with its argument types, such as ${name.replace(/\(.*$/s, '')}(int, text)`);
  return { kind: 'object', object: { kind: 'routine', ...named, argumentTypes: inputTypes(argumentTypes) } };
}

function readNew(
  reader: Reader,
  at: Position,
  what: string,
  text: string,
  problem: (message: string) => undefined,
): ReadObject | undefined {
  const match = /^new\s+([a-z]+)(?:\s+in\s+(.+))?$/is.exec(text);
  const of = NEW_OBJECTS[match?.[1]?.toLowerCase() ?? ''];
  if (match === null || of === undefined) return problem('write new tables in core, or new routines for wherever they are made');
  if (match[2] === undefined) return { kind: 'new', of, schema: undefined };
  if (of === 'schema') return problem('a schema is not made in another');
  const split = splitName(match[2]);
  const [schema] = split?.parts ?? [];
  if (split === undefined || schema === undefined || split.parts.length !== 1 || split.rest !== '') {
    return problem('after in comes the name of a schema, in double quotes when it needs them');
  }
  return checkParts(reader, at, what, [schema]) ? { kind: 'new', of, schema } : undefined;
}
