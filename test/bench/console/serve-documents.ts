import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readAssets } from '../../../src/console/assets-inspect.ts';

export interface Served {
  readonly url: string;
  stop(): Promise<void>;
}

const SESSION = {
  user: 'bench',
  role: 'operator',
  csrf: 'none',
  endsAt: '2099-01-01T00:00:00.000Z',
  project: { version: 'bench', timeZone: 'UTC', directory: '/srv/bench' },
};

/**
 * The built application with documents that are made up, by the name of their question: what it takes to draw them is measured,
 * not what it takes to find them. `status` is that of the live stream.
 */
export async function serveDocuments(directory: string, status: object, documents: ReadonlyMap<string, object>): Promise<Served> {
  const assets = await readAssets(directory);
  const texts = new Map([...documents].map(([name, document]) => [name, answerOf(name, document)]));
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    if (pathname === '/api/session') return json(response, JSON.stringify(SESSION));
    if (pathname === '/api/status') return json(response, JSON.stringify(status));
    if (pathname === '/api/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`event: status\ndata: ${JSON.stringify(status)}\n\n`);
      return undefined;
    }
    if (pathname.startsWith('/api/ask/')) {
      const text = texts.get(pathname.slice('/api/ask/'.length));
      if (text !== undefined) return json(response, text);
      return json(response, JSON.stringify({ error: { code: 'usage', message: `there is no answer for ${pathname}` } }), 400);
    }
    if (pathname.startsWith('/api/')) return json(response, '[]');
    const asset = assets.get(/\.\w+$/.test(pathname) ? pathname : '/index.html');
    if (asset === undefined) return json(response, '{}', 404);
    response.writeHead(200, { 'content-type': asset.type });
    response.end(asset.body);
    return undefined;
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}

function answerOf(name: string, document: object): string {
  return JSON.stringify({
    command: `dbadmin ${name} --json`,
    askedAt: new Date().toISOString(),
    tookMs: 1,
    exitStatus: 0,
    notes: [],
    document,
  });
}

function json(response: ServerResponse, text: string, status = 200): undefined {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(text);
}
