import { expect, test } from 'vitest';
import { readDescription } from '../../../src/spotify/fake/description.ts';
import { respond } from '../../../src/spotify/fake/respond.ts';
import { makeWorld } from '../../../src/spotify/fake/world.ts';

/** A description of our own: enough to see what a server is made of. */
const DESCRIPTION = readDescription(
  JSON.stringify({
    openapi: '3.0.3',
    info: { title: 'Small', version: '1' },
    servers: [{ url: 'https://api.example.org/v1' }],
    paths: {
      '/me': {
        get: {
          operationId: 'get-current-users-profile',
          security: [{ o: ['read'] }],
          responses: { 200: { $ref: '#/components/responses/User' } },
        },
      },
      '/things/{id}': {
        get: {
          operationId: 'get-thing',
          deprecated: true,
          parameters: [{ $ref: '#/components/parameters/Limit' }],
          responses: { 200: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Thing' } } } } },
        },
      },
    },
    components: {
      parameters: { Limit: { name: 'limit', in: 'query', schema: { type: 'integer', minimum: 1, maximum: 50 } } },
      responses: { User: { content: { 'application/json': { schema: { $ref: '#/components/schemas/PrivateUserObject' } } } } },
      schemas: {
        Named: { type: 'object', properties: { id: { type: 'string' } } },
        PrivateUserObject: {
          allOf: [
            { $ref: '#/components/schemas/Named' },
            { type: 'object', properties: { account_id: { type: 'string' }, country: { type: 'string', deprecated: true } } },
          ],
        },
        Thing: {
          type: 'object',
          properties: { name: { type: 'string', example: 'chair' }, parts: { type: 'array', items: { type: 'integer' } } },
        },
      },
    },
  }),
  'small.json',
);
const WORLD = makeWorld({ seed: 1, listener: 'ada', plays: 0, until: new Date(0), url: 'http://127.0.0.1:1' });
const ask = (path: string, fields: 'before' | 'after', scopes: readonly string[] | undefined = ['read']): ReturnType<typeof respond> => {
  const url = new URL(path, 'http://localhost');
  return respond(DESCRIPTION, WORLD, fields, { method: 'GET', path: url.pathname, query: url.searchParams, href: url.pathname, scopes });
};

test('respond: the fields that the description marks as deprecated are gone afterwards, and the new ones were not there before', () => {
  expect(ask('/me', 'before').body).toEqual({ id: 'ada', country: 'DE' });
  expect(ask('/me', 'after').body).toEqual({ id: 'ada', account_id: 'account-ada' });
});

test('respond: what no catalogue is behind is made from the description; a deprecated operation is refused afterwards', () => {
  expect(ask('/things/7', 'before')).toEqual({ status: 200, body: { name: 'chair', parts: [0] } });
  expect(ask('/things/7', 'after').status).toBe(403);
});

test.each([
  ['/things/7?limit=51', 400],
  ['/things/7?limit=x', 400],
  ['/nothing', 404],
])('respond: %s is answered %i', (path, status) => expect(ask(path, 'before').status).toBe(status));

test('respond: without a token 401, without its scope 403', () => {
  const url = { method: 'GET', path: '/me', query: new URLSearchParams(), href: '/me' };
  expect(respond(DESCRIPTION, WORLD, 'after', { ...url, scopes: undefined }).status).toBe(401);
  expect(ask('/me', 'after', ['other']).status).toBe(403);
});

test.each(['a: [', 'openapi: 3.0.3', '{}'])('readDescription: %s is refused', (text) => {
  expect(() => readDescription(text, 'x')).toThrow(expect.objectContaining({ code: 'file-unreadable' }));
});
