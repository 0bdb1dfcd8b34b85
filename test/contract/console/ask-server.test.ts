import { once } from 'node:events';
import { request } from 'node:http';
import { Hono } from 'hono';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLog } from '../../../src/base/log.ts';
import { addAsking } from '../../../src/console/ask-route.ts';
import { Asking, type Ran } from '../../../src/console/asking.ts';
import type { Guarded } from '../../../src/console/guarded.ts';
import { listen, type Listening } from '../../../src/console/listen-run.ts';
import { question } from '../../../src/console/question.ts';
import type { Session } from '../../../src/console/sessions.ts';

let listening: Listening;
let runs: { readonly words: readonly string[]; readonly signal: AbortSignal; readonly end: (ran: Ran) => void }[];

beforeEach(async () => {
  runs = [];
  const app = new Hono<Guarded>();
  const slow = question({
    name: 'a/slow',
    parameters: z.strictObject({ of: z.string().optional() }),
    words: ({ of = '' }) => ['slow', of],
  });
  const asking = new Asking(
    [slow],
    async (words, signal) =>
      await new Promise((end, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
        runs.push({ words, signal, end });
      }),
    systemClock,
  );
  app.use(async (context, next) => {
    context.set('session', { role: 'viewer' } as Session);
    await next();
  });
  addAsking(app, asking, silentLog);
  listening = await listen(app, { host: '127.0.0.1', port: 0, tls: undefined, isBehindProxy: false });
});
afterEach(async () => await listening.close());

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

test('a page that is closed stops the command that answered it, and another that asks the same goes on', async () => {
  const ask = (): ReturnType<typeof request> => request({ port: listening.port, path: '/api/ask/a/slow?of=x', agent: false }).end();
  const stays = ask();
  await until(() => runs.length === 1);
  const closed = ask().on('error', () => undefined);
  await new Promise((resolve) => setTimeout(resolve, 200));
  closed.destroy();
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(runs).toHaveLength(1);
  expect(runs[0]?.signal.aborted).toBe(false);
  stays.on('error', () => undefined).destroy();
  await until(() => runs[0]?.signal.aborted === true);
  const last = ask();
  await until(() => runs.length === 2);
  runs[1]?.end({ exitStatus: 2, document: { size: 5n, names: new Map([['a', 1]]) }, notes: ['looked'] });
  const [answer] = (await once(last, 'response')) as [NodeJS.ReadableStream];
  let body = '';
  for await (const part of answer) body += String(part);
  expect(JSON.parse(body)).toMatchObject({
    command: 'dbadmin slow x --json',
    exitStatus: 2,
    document: { size: '5', names: { a: 1 } },
    notes: ['looked'],
  });
});
