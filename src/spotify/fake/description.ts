import { parse } from 'yaml';
import { DbadminError, messageOf } from '../../base/errors.ts';

/** The parts of an OpenAPI 3.0 schema that are used here. @see https://spec.openapis.org/oas/v3.0.3#schema-object */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly allOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly example?: unknown;
  readonly default?: unknown;
  readonly deprecated?: boolean;
  readonly nullable?: boolean;
  readonly minimum?: number;
  readonly maximum?: number;
}

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required?: boolean;
  readonly schema: Schema;
}

/** One method of one path. */
export interface Operation {
  readonly id: string;
  readonly method: string;
  /** Matches the whole path below the server's base; groups are the path's parameters. */
  readonly pattern: RegExp;
  readonly pathNames: readonly string[];
  readonly deprecated: boolean;
  /** One of them is enough; none means that any token will do. */
  readonly scopes: readonly string[];
  readonly parameters: readonly Parameter[];
  /** Of the first answer below 300; undefined where it has no content. */
  readonly answer: Schema | undefined;
}

/** What a description of an API says of it. */
export interface ApiDescription {
  readonly title: string;
  readonly version: string;
  /** `/v1`: what stands between host and path. */
  readonly basePath: string;
  readonly operations: readonly Operation[];
  /** A schema with its reference followed, and the name it was referred to by. */
  readonly resolve: (schema: Schema) => { readonly name: string | undefined; readonly schema: Schema };
}

interface Reference {
  readonly $ref?: string;
}
interface ResponseDocument extends Reference {
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>;
}
interface OperationDocument {
  readonly operationId?: string;
  readonly deprecated?: boolean;
  readonly parameters?: readonly (Parameter & Reference)[];
  readonly responses?: Readonly<Record<string, ResponseDocument>>;
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
}
interface Document {
  readonly openapi?: string;
  readonly info?: { readonly title?: string; readonly version?: string };
  readonly servers?: readonly { readonly url: string }[];
  readonly paths?: Readonly<Record<string, Readonly<Record<string, OperationDocument>>>>;
}

const METHODS = ['get', 'post', 'put', 'delete'] as const;

/**
 * Reads an OpenAPI 3 description, YAML or JSON.
 *
 * @throws {DbadminError} `file-unreadable` when it is not one; `name` is what the message calls it.
 * @see https://spec.openapis.org/oas/v3.0.3
 */
export function readDescription(text: string, name: string): ApiDescription {
  const document = parseDocument(text, name);
  const [server] = document.servers ?? [];
  if (document.openapi?.startsWith('3.') !== true || document.paths === undefined || server === undefined)
    throw new DbadminError('file-unreadable', `${name} is not an OpenAPI 3 description with servers and paths`);
  const follow = <T extends Reference>(value: T): T => followReference(document, value, name);
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    METHODS.flatMap((method) => {
      const operation = methods[method];
      return operation === undefined ? [] : [readOperation(path, method, operation, follow)];
    }),
  );
  return {
    title: document.info?.title ?? name,
    version: document.info?.version ?? '',
    basePath: new URL(server.url, 'http://localhost').pathname.replace(/\/$/, ''),
    operations,
    resolve: (schema) => ({ name: schema.$ref?.split('/').at(-1), schema: follow(schema) }),
  };
}

function parseDocument(text: string, name: string): Document {
  try {
    const document: unknown = parse(text);
    return typeof document === 'object' && document !== null ? document : {};
  } catch (error) {
    throw new DbadminError('file-unreadable', `${name} is neither YAML nor JSON`, { detail: messageOf(error), cause: error });
  }
}

function followReference<T extends Reference>(document: object, value: T, name: string): T {
  if (value.$ref === undefined) return value;
  let found: unknown = document;
  for (const key of value.$ref.replace(/^#\//, '').split('/'))
    found = typeof found === 'object' && found !== null ? (found as Readonly<Record<string, unknown>>)[key] : undefined;
  if (found === undefined) throw new DbadminError('file-unreadable', `${name} refers to ${value.$ref}, which it does not have`);
  return followReference(document, found as T, name);
}

function readOperation(
  path: string,
  method: string,
  operation: OperationDocument,
  follow: <T extends Reference>(value: T) => T,
): Operation {
  const success = Object.keys(operation.responses ?? {}).find((status) => status.startsWith('2'));
  const response = success === undefined ? undefined : operation.responses?.[success];
  const pathNames = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  return {
    id: operation.operationId ?? `${method} ${path}`,
    method: method.toUpperCase(),
    pattern: new RegExp(`^${path.replace(/\{\w+\}/g, '([^/]+)')}$`),
    pathNames,
    deprecated: operation.deprecated === true,
    scopes: (operation.security ?? []).flatMap((each) => Object.values(each).flat()),
    parameters: (operation.parameters ?? []).map((each) => follow(each)),
    answer: response === undefined ? undefined : follow(response).content?.['application/json']?.schema,
  };
}
