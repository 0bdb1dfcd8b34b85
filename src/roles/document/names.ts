import type { ObjectName, Position, QualifiedName } from './document.ts';
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

const OBJECT_KINDS: Readonly<Record<string, ObjectName['kind'] | 'unsupported'>> = {
  database: 'database',
  schema: 'schema',
  table: 'table',
  view: 'table',
  'materialized view': 'table',
  'foreign table': 'table',
  sequence: 'sequence',
  routine: 'routine',
  function: 'routine',
  procedure: 'routine',
  aggregate: 'routine',
  type: 'type',
  domain: 'type',
  server: 'unsupported',
  'foreign server': 'unsupported',
  'foreign data wrapper': 'unsupported',
  fdw: 'unsupported',
  language: 'unsupported',
  tablespace: 'unsupported',
  parameter: 'unsupported',
  'large object': 'unsupported',
};
const LONGEST_FIRST = Object.keys(OBJECT_KINDS).sort((left, right) => right.length - left.length);

/** What stands after `on:`: an object, every object of a kind in a schema, or a kind this version does not apply. */
export type ReadObject =
  | { readonly kind: 'object'; readonly object: ObjectName }
  | { readonly kind: 'all'; readonly of: 'table' | 'sequence' | 'routine' | 'type'; readonly schema: string }
  | { readonly kind: 'extension'; readonly name: string }
  | { readonly kind: 'unsupported'; readonly what: string };

/** `table core.play`, `routine core.merge(bigint, text)`, `schema core`, `table core.*`, `extension pg_trgm`, `server lake`. */
export function readObject(reader: Reader, value: Untrusted, what: string): ReadObject | undefined {
  const text = reader.text(value, what)?.trim();
  if (text === undefined) return undefined;
  const word = ['extension', ...LONGEST_FIRST].find((each) => text.toLowerCase().startsWith(`${each} `));
  if (word === undefined) {
    return reader.problem(value.at, `${what} is "${text}"; write a kind and a name, such as table core.play or schema core`);
  }
  const kind = OBJECT_KINDS[word];
  const name = text.slice(word.length + 1).trim();
  if (kind === 'unsupported') return { kind: 'unsupported', what: text };
  const all = /^(.*)\.\*$/s.exec(name);
  const split = splitName(all?.[1] ?? name);
  const wants = kind === 'table' || kind === 'sequence' || kind === 'routine' || kind === 'type' ? 2 : 1;
  const parts = split?.parts ?? [];
  const [first, second] = parts;
  if (split === undefined || first === undefined || parts.length !== (all === null ? wants : 1)) {
    const form = wants === 2 ? 'schema.name' : 'one name';
    return reader.problem(value.at, `${what} is "${text}"; after ${word} comes ${form}, with double quotes around parts that need them`);
  }
  if (!checkParts(reader, value.at, what, parts)) return undefined;
  if (kind !== 'routine' && split.rest !== '') return reader.problem(value.at, `${what} is "${text}"; "${split.rest}" is too much`);
  if (kind === undefined) return { kind: 'extension', name: first };
  if (kind === 'database' || kind === 'schema') return { kind: 'object', object: { kind, name: first } };
  if (all !== null) return { kind: 'all', of: kind, schema: first };
  if (kind !== 'routine') return { kind: 'object', object: { kind, schema: first, name: second ?? '' } };
  const argumentTypes = /^\((.*)\)$/s.exec(split.rest)?.[1];
  if (argumentTypes === undefined) {
    return reader.problem(value.at, `${what} is "${text}"; a routine is named with its argument types: ${name}()`);
  }
  return { kind: 'object', object: { kind, schema: first, name: second ?? '', argumentTypes } };
}
