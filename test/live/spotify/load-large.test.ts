import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeGenerated } from '../../../src/spotify/generate/run.ts';
import { createTestDatabase, type TestDatabase } from '../../postgres/fixture.ts';
import { countOf, migrateWarehouse, PROJECT } from './warehouse.ts';

/** Of the export; the full size takes minutes. */
const MEGABYTES = Number(process.env['DBADMIN_TEST_EXPORT_MB'] ?? '6');
/** Of one extended play as it is generated. */
const PLAY_BYTES = 540;
/** Of the whole process, Node and its sources included: it does not grow with the file but for 4 bytes or so a row. */
const PEAK_MEGABYTES = 320;

describe(`an export of ${MEGABYTES} MB`, () => {
  let database: TestDatabase;
  let directory: string;
  let file: string;
  let rows = 0;

  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-large-'));
    const plays = Math.ceil((MEGABYTES * 1_000_000) / PLAY_BYTES);
    const files = await writeGenerated(directory, { listeners: 1, plays, seed: 5, kinds: ['extended'] });
    const largest = files.toSorted((one, other) => other.rows - one.rows)[0];
    file = path.join(directory, largest?.path ?? '');
    rows = largest?.rows ?? 0;
    database = await createTestDatabase();
    await migrateWarehouse(database.url);
  });
  afterAll(async () => {
    await database?.drop();
    await rm(directory, { recursive: true, force: true });
  });

  /** `dbadmin spotify load` of the file, and the most memory that it had. */
  const load = async (): Promise<{ readonly status: number | null; readonly stderr: string; readonly peakMegabytes: number }> => {
    const start = `process.on('exit', () => process.stdout.write('peak ' + process.resourceUsage().maxRSS));
      const { main } = await import(${JSON.stringify(path.join(PROJECT, 'src/cli.ts'))}); await main(process.argv.slice(1));`;
    const args = ['spotify', 'load', file, '--listener', 'ada', '--no-marts', '--url', database.url];
    const child = spawn(process.execPath, ['--input-type=module', '-e', start, '--', ...args], {
      cwd: directory,
      env: { HOME: directory },
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
    return { status, stderr, peakMegabytes: Number(/peak (\d+)/.exec(stdout)?.[1]) / 1024 };
  };

  it('cut off at its end it is refused with the line, whatever came before, and nothing of it stays', async () => {
    const whole = await readFile(file);
    await writeFile(file, whole.subarray(0, whole.length - 200));
    const { status, stderr } = await load();
    expect([status, stderr]).toEqual([1, expect.stringMatching(new RegExp(`line ${rows + 1} is not a list of objects: .* never ends`))]);
    expect(await countOf(database.sql, 'select (select count(*) from raw.batch) + (select count(*) from raw.extended_history)')).toBe(0);
    await writeFile(file, whole);
  });

  it('is loaded whole, in memory that does not grow with it', async () => {
    expect((await stat(file)).size).toBeGreaterThan(MEGABYTES * 900_000);
    const { status, stderr, peakMegabytes } = await load();
    expect([status, stderr]).toEqual([0, '']);
    expect(peakMegabytes).toBeGreaterThan(30);
    expect(peakMegabytes).toBeLessThan(PEAK_MEGABYTES);
    expect(await countOf(database.sql, 'select count(*) from raw.extended_history')).toBe(rows);
    expect(await countOf(database.sql, 'select count(*) from quality.accounting where rows_open <> 0')).toBe(0);
  });
});
