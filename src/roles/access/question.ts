import { DbadminError } from '../../base/errors.ts';
import { closestWord } from '../../base/spelling.ts';
import { foldName } from '../../postgres/quote.ts';
import { isSystemSchema, splitName } from '../document/names.ts';
import {
  ACCESS_KINDS,
  relationKey,
  type AccessGraph,
  type AccessKind,
  type AccessNames,
  type AccessPrivilege,
  type ObjectRef,
} from './graph.ts';
import { accessPrivileges, isColumnPrivilege, parseAccessPrivilege } from './privilege-table.ts';
import { refText } from './target.ts';
import { inputTypes } from '../routine-name.ts';

/** A question as it was typed: nothing about it is known of the server yet. */
export interface AccessQuestion {
  readonly privilege: AccessPrivilege;
  /** Undefined: to be found among the kinds that have the privilege. */
  readonly kind: AccessKind | undefined;
  /** Whether the kind was `column`. */
  readonly isColumn: boolean;
  readonly parts: readonly string[];
  /** `(int, text)` of a routine; empty where none was typed. */
  readonly argumentTypes: string;
  readonly text: string;
}

const WORDS: readonly (readonly [string, AccessKind])[] = [
  ...ACCESS_KINDS.map((kind) => [kind, kind] as const),
  ['view', 'table'] as const,
  ['materialized view', 'table'] as const,
  ['foreign table', 'table'] as const,
  ['column', 'table'] as const,
  ['function', 'routine'] as const,
  ['procedure', 'routine'] as const,
  ['aggregate', 'routine'] as const,
  ['domain', 'type'] as const,
  ['fdw', 'foreign data wrapper'] as const,
  ['foreign server', 'server'] as const,
].sort(([left], [right]) => right.length - left.length);

/**
 * Reads `select`, `core.listener.email` as a question. The object may have its kind in front: `schema core`,
 * `routine core.f(int)`.
 *
 * @throws {DbadminError} `usage`.
 */
export function parseQuestion(privilegeText: string, objectText: string): AccessQuestion {
  const privilege = parseAccessPrivilege(privilegeText);
  if (privilege === undefined) {
    throw new DbadminError('usage', `there is no privilege "${privilegeText}"`, {
      hint: 'Ask for select, insert, update, delete, truncate, references, trigger, maintain, usage, create, connect, temporary, execute, set or alter_system.',
    });
  }
  const text = objectText.trim();
  const [word, kind] = WORDS.find(([each]) => text.toLowerCase().startsWith(`${each} `)) ?? [undefined, undefined];
  const rest = word === undefined ? text : text.slice(word.length + 1).trim();
  const split = splitName(rest) ?? splitName(foldUnquoted(rest));
  const isNumber = kind === 'large object' && /^\d+$/.test(rest);
  const isBad = split === undefined || (split.rest !== '' && !/^\(.*\)$/s.test(split.rest));
  if (isBad && !isNumber && kind !== 'parameter') {
    throw new DbadminError('usage', `"${objectText}" is not the name of an object`, {
      hint: 'Write core.play, core.play.note for a column, schema core, database music, or routine "core.merge(bigint, text)".',
    });
  }
  const parts = kind === 'parameter' ? [rest.toLowerCase()] : isNumber ? [rest] : (split?.parts ?? []);
  return { privilege, kind, isColumn: word === 'column', parts, argumentTypes: split?.rest ?? '', text: objectText };
}

function foldUnquoted(text: string): string {
  return text.replace(/"(?:[^"]|"")*"|[^"]+/g, (part) => (part.startsWith('"') ? part : foldName(part)));
}

/** What must be asked of the server for the question to be answered. */
export function namesOf({ privilege, kind, parts, argumentTypes }: AccessQuestion): AccessNames {
  const isParameter = kind === 'parameter' || (kind === undefined && (privilege === 'SET' || privilege === 'ALTER SYSTEM'));
  const [schema, name] = parts;
  return {
    relations: schema === undefined || name === undefined ? [] : [{ schema, name }],
    routines: argumentTypes === '' ? [] : [routineText(parts, argumentTypes)],
    parameters: isParameter ? [parts.join('.').toLowerCase()] : [],
  };
}

function routineText(parts: readonly string[], argumentTypes: string): string {
  const inside = /^\((.*)\)$/s.exec(argumentTypes)?.[1];
  return `${parts.map((part) => `"${part.replaceAll('"', '""')}"`).join('.')}${inside === undefined ? argumentTypes : `(${inputTypes(inside)})`}`;
}

/**
 * The object that is meant, in `database`.
 *
 * @throws {DbadminError} `usage` when there is none, or more than one and the kind is not said.
 */
export function resolveQuestion(graph: AccessGraph, database: string, question: AccessQuestion): ObjectRef {
  const found = candidates(graph, database, question);
  const [only, second] = found;
  if (only !== undefined && second === undefined) return only;
  if (only !== undefined) {
    throw new DbadminError('usage', `"${question.text}" may be ${found.slice(0, 5).map(refText).join(' or ')}`, {
      hint: 'Say which: put its kind in front, or the argument types behind.',
    });
  }
  throw notFound(graph, database, question);
}

function candidates(graph: AccessGraph, database: string, question: AccessQuestion): readonly ObjectRef[] {
  const { parts, kind, privilege } = question;
  const kinds = (kind === undefined ? ACCESS_KINDS : [kind]).filter((each) => accessPrivileges(each, graph.major).includes(privilege));
  const [first = '', second = '', third] = parts;
  const inside = graph.databases.get(database);
  const groups = [...graph.shared, ...(inside?.groups ?? [])].filter((group) => kinds.includes(group.kind));
  if (privilege === 'SET' || privilege === 'ALTER SYSTEM') {
    const name = parts.join('.').toLowerCase();
    const isThere = groups.some((group) => group.kind === 'parameter' && group.names.includes(name));
    return isThere ? [{ kind: 'parameter', schema: undefined, name, column: undefined }] : [];
  }
  if (parts.length === 1 && !question.isColumn) {
    return groups
      .filter((group) => group.schema === undefined && group.names.includes(first))
      .map((group) => ({ kind: group.kind, schema: undefined, name: first, column: undefined }));
  }
  const inSchema = groups.filter((group) => group.schema === first);
  if (parts.length === 3) {
    const has = inside?.columnNames.get(relationKey({ schema: first, name: second }))?.includes(third ?? '') ?? false;
    const table = inSchema.some((group) => group.kind === 'table' && group.names.includes(second));
    return table && has && isColumnPrivilege(privilege) ? [{ kind: 'table', schema: first, name: second, column: third }] : [];
  }
  if (parts.length !== 2 || question.isColumn) return [];
  const resolved = inside?.routineNames.get(routineText(parts, question.argumentTypes));
  return inSchema.flatMap((group) =>
    group.names
      .filter((name) => {
        if (group.kind !== 'routine') return question.argumentTypes === '' && name === second;
        return question.argumentTypes === '' ? splitName(name)?.parts[0] === second : name === resolved;
      })
      .map((name) => ({ kind: group.kind, schema: first, name, column: undefined })),
  );
}

function notFound(graph: AccessGraph, database: string, { text, privilege, kind, parts }: AccessQuestion): DbadminError {
  if (!graph.databases.has(database)) return new DbadminError('usage', `there is no database ${database}, or it takes no connections`);
  const [schema = '', name = '', column] = parts;
  const columns = graph.databases.get(database)?.columnNames.get(relationKey({ schema, name }));
  if (columns !== undefined && column !== undefined) {
    const detail = `It has ${columns.join(', ')}.`;
    if (columns.includes(column))
      return new DbadminError('usage', `there is no privilege ${privilege} on a column`, {
        hint: 'Columns have select, insert, update and references.',
      });
    return new DbadminError('usage', `${schema}.${name} has no column "${column}"`, { detail });
  }
  const what = kind === undefined ? `nothing with a privilege ${privilege}` : `no ${kind}`;
  const meant = closest(graph, database, privilege, parts);
  return new DbadminError('usage', `there is ${what} by the name ${text} in database ${database}`, {
    hint:
      meant === undefined
        ? 'Names are as in SQL: schema.name, in double quotes where needed; --database asks in another database.'
        : `Did you mean ${meant}?`,
  });
}

/** What was probably meant: the same name in a schema, or a name much like it. */
function closest(graph: AccessGraph, database: string, privilege: AccessPrivilege, parts: readonly string[]): string | undefined {
  const groups = [...graph.shared, ...(graph.databases.get(database)?.groups ?? [])].filter(
    ({ kind, schema }) => accessPrivileges(kind, graph.major).includes(privilege) && (schema === undefined || !isSystemSchema(schema)),
  );
  const known = new Map(
    groups.flatMap(({ kind, schema, names }) =>
      names.map((name) => [[...(schema === undefined ? [] : [schema]), name].join('.'), { kind, schema, name, column: undefined }]),
    ),
  );
  const word = parts.join('.');
  const inSchema = [...known.keys()].filter((name) => name.endsWith(`.${word}`));
  const found = known.get(inSchema.length === 1 ? (inSchema[0] ?? '') : (closestWord(word, known.keys()) ?? ''));
  return found === undefined ? undefined : refText(found);
}
