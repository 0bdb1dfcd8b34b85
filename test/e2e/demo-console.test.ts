import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../..');

test('npm run demo -- --console opens two clusters in the console, and Ctrl-C leaves nothing behind', { timeout: 400_000 }, async () => {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:PG|DATABASE_URL|DBADMIN_)/.test(name)));
  const child = spawn(process.execPath, ['demo/demo.ts', '--console', '--port', '0', '--plays', '500'], {
    cwd: ROOT,
    env: { ...env, TZ: 'UTC' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (printed += text));
  const ended = new Promise<number | null>((resolve) => void child.once('close', resolve));
  try {
    let isOver = false;
    void ended.then(() => (isOver = true));
    await expect.poll(() => isOver || /open {5}\S+#code=\S+\n/.test(printed), { timeout: 300_000, interval: 200 }).toBe(true);
    expect(isOver, printed).toBe(false);
    const [, origin = '', code = ''] = /open {5}(\S+)\/#code=(\S+)/.exec(printed) ?? [];
    const entered = await fetch(`${origin}/api/sign-in`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin },
      body: JSON.stringify({ code }),
    });
    expect(entered.status).toBe(200);
    const cookie = entered.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    const { status } = (await (await fetch(`${origin}/api/status`, { headers: { cookie } })).json()) as { status: Looked };
    const of = (name: string): Looked['clusters'][number] | undefined => status.clusters.find((cluster) => cluster.name === name);
    expect(of('main')?.migrations).toMatchObject({ pending: 1 });
    expect(of('main')?.roles).toMatchObject({ drift: expect.toSatisfy((drift: number) => drift > 0) });
    const [main] = of('main')?.repositories ?? [];
    expect(main?.state.lineage).toMatchObject({ backups: 2, gaps: [], drill: { verdict: 'passed' } });
    const [charts] = of('charts')?.repositories ?? [];
    expect(charts?.state.lineage).toMatchObject({ drill: null, gaps: [expect.anything()] });
    expect(status.jobs.find(({ name }) => name === 'export')?.last).toMatchObject({ outcome: 'failed' });
    expect(status.jobs.find(({ name }) => name === 'listening.drill')?.last).toMatchObject({ outcome: 'succeeded' });
  } finally {
    child.kill('SIGINT');
  }
  expect(await ended, printed).toBe(0);
  const directory = /\S+dbadmin-demo-\w+/.exec(printed)?.[0] ?? '';
  expect(directory).not.toBe('');
  expect(existsSync(directory)).toBe(false);
});

interface Looked {
  readonly clusters: readonly {
    readonly name: string;
    readonly migrations: unknown;
    readonly roles: unknown;
    readonly repositories: readonly { readonly state: { readonly lineage: unknown } }[];
  }[];
  readonly jobs: readonly { readonly name: string; readonly last: unknown }[];
}
