import { ANSWERS, type Answer } from './answers.ts';
import type { ApiDescription, Operation, Parameter } from './description.ts';
import { fitToSchema, sampleOf, type FieldSet } from './fields.ts';
import type { World } from './world.ts';

export interface ApiRequest {
  readonly method: string;
  /** Below the API's base: `/me`. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** The whole address without query. */
  readonly href: string;
  /** What the token allows; undefined without a valid one. */
  readonly scopes: readonly string[] | undefined;
}

export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** What the API says, by its description and by what the world holds; an error has the form of Spotify's. */
export function respond(description: ApiDescription, world: World, fields: FieldSet, request: ApiRequest): ApiAnswer {
  const operation = description.operations.find((each) => each.method === request.method && each.pattern.test(request.path));
  if (operation === undefined || (fields === 'before' && NEW_OPERATIONS.has(operation.id))) return failure(404, 'Service not found');
  if (request.scopes === undefined) return failure(401, 'The access token expired');
  if (fields === 'after' && operation.deprecated) return failure(403, 'This endpoint is no longer available to apps in development mode');
  const { scopes } = operation;
  if (scopes.length > 0 && !scopes.some((scope) => request.scopes?.includes(scope))) return failure(403, 'Insufficient client scope');
  const problem = operation.parameters.map((each) => problemOf(description, each, request.query)).find((each) => each !== undefined);
  if (problem !== undefined) return failure(400, problem);
  return answer(description, world, fields, operation, request);
}

/** Not there before the change of 2026-02-11; the description does not say since when an operation is. */
const NEW_OPERATIONS: ReadonlySet<string> = new Set([
  'get-playlists-items',
  'add-items-to-playlist',
  'reorder-or-replace-playlists-items',
  'remove-items-playlist',
  'create-playlist',
  'save-library-items',
  'remove-library-items',
  'check-library-contains',
]);

function answer(description: ApiDescription, world: World, fields: FieldSet, operation: Operation, request: ApiRequest): ApiAnswer {
  const [, id = ''] = operation.pattern.exec(request.path) ?? [];
  const asked = { id: decodeURIComponent(id), query: request.query, href: request.href, fields };
  const given: Answer | undefined = ANSWERS[operation.id]?.(world, asked);
  if (given?.kind === 'refused') return failure(given.status, given.message);
  if (operation.answer === undefined) return { status: 204, body: undefined };
  const body = given === undefined ? sampleOf(description, operation.answer) : given.body;
  return { status: 200, body: fitToSchema(description, operation.answer, body, fields) };
}

/** Why a parameter of the query is not as the description wants it. */
function problemOf(description: ApiDescription, parameter: Parameter, query: URLSearchParams): string | undefined {
  if (parameter.in !== 'query') return undefined;
  const text = query.get(parameter.name);
  if (text === null) return parameter.required === true ? `Missing required field: ${parameter.name}` : undefined;
  const { schema } = description.resolve(parameter.schema);
  if (schema.enum !== undefined && !schema.enum.includes(text)) return `Invalid ${parameter.name}`;
  if (schema.type !== 'integer') return undefined;
  const value = Number(text);
  if (!Number.isSafeInteger(value)) return `Invalid ${parameter.name}`;
  const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = schema;
  return value < minimum || value > maximum ? `Invalid ${parameter.name}` : undefined;
}

function failure(status: number, message: string): ApiAnswer {
  return { status, body: { error: { status, message } } };
}
