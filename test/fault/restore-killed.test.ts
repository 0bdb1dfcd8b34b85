import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import postgres from 'postgres';
import { expect, test } from 'vitest';
import { parseControlFile } from '../../src/postgres/control-file.ts';
import { stopCluster } from '../../src/postgres/server.ts';
import { commandEnd, runCommand, startCommand, writeConfig } from '../backup/command.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory } from '../backup/repository.ts';
import { startEmbeddedCluster } from '../postgres/embedded-cluster.ts';
import { freePort } from '../postgres/address.ts';

/** The full measure is 30 kills over 1 GB: npm run test:kill. The sample keeps the run short. */
const KILLS = Number(process.env['DBADMIN_TEST_KILLS'] ?? '3');
const MEGABYTES = Number(process.env['DBADMIN_TEST_KILL_MB'] ?? '60');

const pause = async (delayMs: number): Promise<void> => await new Promise((resolve) => setTimeout(resolve, delayMs));

async function until(isSo: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 60_000; !isSo() && Date.now() < deadline;) await pause(2);
}

test(`restore killed with SIGKILL at ${KILLS} moments: no cluster starts before it is whole, and --delta finishes it`, async () => {
  const directory = await makeDirectory();
  const cluster = await startEmbeddedCluster({ major: 17, settings: { max_wal_size: '4GB' } });
  const { programs } = cluster;
  if (programs === undefined) throw new Error('the embedded cluster has programs');
  const into = path.join(directory, 'restored');
  const control = path.join(into, 'global', 'pg_control');
  const marker = path.join(into, 'dbadmin_restore.json');
  try {
    const sql = postgres(cluster.url(), { max: 1 });
    await sql.unsafe(
      `create table bulk as select g, encode(sha512(g::text::bytea), 'base64') || encode(sha512((-g)::text::bytea), 'base64') as t from generate_series(1, ${MEGABYTES * 4400}) g`,
    );
    const [expected] = await sql<{ digest: string }[]>`select sum(hashtextextended(t, g))::text as digest from bulk`;
    await sql.end();
    await backUp(cluster, await makeRepository(path.join(directory, 'repository')));
    const config = await writeConfig(directory, cluster, path.join(directory, 'repository'));
    const words = (delta: boolean): string[] => [
      'restore',
      '--immediate',
      '--into',
      into,
      '--yes',
      '--verbose',
      '--config',
      config,
      ...(delta ? ['--delta'] : []),
    ];
    const first = commandEnd(startCommand(words(false)));
    await until(() => existsSync(marker));
    const startedMs = Date.now();
    await until(() => existsSync(control));
    const lengthMs = Date.now() - startedMs;
    expect((await first).status).toBe(0);
    await removeDirectory(into);
    await removeDirectory(`${into}.wal`);
    const outcomes: string[] = [];
    for (let kill = 0; kill < KILLS; kill += 1) {
      const goesOn = existsSync(into);
      const child = startCommand(words(goesOn));
      const ending = commandEnd(child);
      // Node's start and the preflight write nothing: the measure begins where the mark is placed.
      await Promise.race([until(() => existsSync(marker) && !existsSync(control)), ending]);
      await pause((lengthMs * kill) / KILLS);
      child.kill('SIGKILL');
      const { status, stderr } = await ending;
      if (status !== null) expect(`${status} ${stderr}`).toMatch(/^0 /);
      // With pg_control everything else is there; without it no server starts, and the mark says that it can be finished.
      const state = !existsSync(into) ? 'nothing written' : existsSync(control) ? 'whole' : 'unfinished';
      if (state === 'unfinished') expect(existsSync(marker)).toBe(true);
      if (state === 'whole') expect(parseControlFile(readFileSync(control)).state).toBe('in-production');
      outcomes.push(state);
      if (state !== 'unfinished' || kill > 0) continue;
      const plain = await runCommand(words(false));
      expect(plain.status).toBe(1);
      expect(plain.stderr).toContain('--delta');
    }
    process.stderr.write(`laying ${MEGABYTES} MB down takes ${lengthMs} ms; after kills at ${KILLS} moments: ${outcomes.join(', ')}\n`);
    expect(outcomes).toContain('unfinished');
    const port = await freePort();
    const last = await runCommand([...words(existsSync(into)), '--start', '--port', String(port)]);
    expect(`${last.status} ${last.stderr}`).toMatch(/^0 /);
    const reader = postgres({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres', max: 1 });
    const [found] = await reader<{ digest: string }[]>`select sum(hashtextextended(t, g))::text as digest from bulk`;
    await reader.end();
    expect(found?.digest).toBe(expected?.digest);
  } finally {
    await stopCluster(programs, into, 'immediate');
    await cluster.stop();
    await removeDirectory(directory);
  }
}, 1_800_000);
