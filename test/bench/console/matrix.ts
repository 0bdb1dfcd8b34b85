import type { Page } from 'playwright-core';
import { frameTimes } from './frames.ts';
import { askMatrix, startMatrixWorld, type MatrixSize } from './matrix-world.ts';
import { serveDocuments } from './serve-documents.ts';

export interface MatrixMeasured {
  /** What is done with the matrix, each with the time between its frames. */
  readonly frames: readonly { readonly name: string; readonly times: readonly number[] }[];
  /** Of the command, each run. */
  readonly seconds: readonly number[];
  readonly peakMegabytes: readonly number[];
  readonly documentBytes: number;
  /** From the address to cells that can be read. */
  readonly readyMs: number;
}

const RUNS = 3;
const STATUS = {
  status: {
    at: new Date().toISOString(),
    clusters: [{ name: 'main', place: 'made up', server: { unknown: 'made up' }, repositories: [], roles: { drift: 0, destructive: 0 } }],
    jobs: [],
    problems: [],
    unknown: [],
  },
  promises: {},
};
const IN_SYNC = {
  cluster: 'main',
  server: 17,
  mode: 'manage',
  inSync: true,
  changes: [],
  notes: [],
  lacks: [],
  findings: [],
  failed: false,
  counts: { safe: 0, widen: 0, narrow: 0, destroy: 0 },
  unmanaged: { roles: [], undeclaredRoles: [], databases: [], schemas: [], memberships: [], privileges: [] },
  checked: { never: 0, lint: 0 },
};

/** Asks a real cluster of that size, and works with its answer in the page. */
export async function measureMatrix(page: Page, assets: string, cli: string, size: MatrixSize): Promise<MatrixMeasured> {
  const cluster = await startMatrixWorld(size);
  const ended = [];
  try {
    const { signal } = new AbortController();
    for (let index = 0; index < RUNS; index += 1) ended.push(await askMatrix(cluster, cli, signal));
  } finally {
    await cluster.stop();
  }
  const text = ended[0]?.stdout ?? '';
  const documents = new Map<string, object>([
    ['roles/matrix', JSON.parse(text) as object],
    ['roles/check', IN_SYNC],
    ['roles/audit', { databases: [], findings: [], accepted: [], counts: { critical: 0, high: 0, medium: 0, low: 0 }, notes: [] }],
    ['roles/graph', { roles: [], memberships: [], access: [], mermaid: '' }],
    ['roles/history', { cluster: 'main', database: 'postgres', runs: [] }],
  ]);
  const served = await serveDocuments(assets, STATUS, documents);
  try {
    const startedMs = performance.now();
    await page.goto(`${served.url}/roles?idle=yes`);
    await page.getByRole('gridcell').first().waitFor();
    const readyMs = performance.now() - startedMs;
    await page.waitForTimeout(500);
    return {
      frames: await worked(page),
      seconds: ended.map(({ seconds }) => seconds),
      peakMegabytes: ended.map(({ peakRssBytes }) => peakRssBytes / 1e6),
      documentBytes: Buffer.byteLength(text),
      readyMs,
    };
  } finally {
    await served.stop();
  }
}

async function worked(page: Page): Promise<MatrixMeasured['frames']> {
  const grid = page.getByRole('grid');
  await grid.scrollIntoViewIfNeeded();
  const box = await grid.boundingBox();
  if (box === null) throw new Error('the matrix is not drawn');
  const frames: { name: string; times: readonly number[] }[] = [];
  const note = async (name: string, work: () => Promise<void>): Promise<void> =>
    void frames.push({ name, times: await frameTimes(page, work) });
  const wheel = async (x: number, y: number, times: number): Promise<void> => {
    for (let step = 0; step < times; step += 1) await page.mouse.wheel(x, y);
  };
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await note('scrolling through the objects', async () => await wheel(0, 200, 150));
  await note('scrolling through the roles', async () => await wheel(200, 0, 120));
  await note('scrolling both ways', async () => await wheel(-150, -150, 120));
  await note('a screen at a time', async () => await wheel(0, 1500, 60));
  await grid.focus();
  await note('moving the cell by keys', async () => {
    for (let step = 0; step < 150; step += 1) await page.keyboard.press(step % 3 === 0 ? 'ArrowRight' : 'ArrowDown');
    for (let step = 0; step < 30; step += 1) await page.keyboard.press('PageUp');
  });
  await note('filtering by name', async () => {
    await page.getByRole('searchbox', { name: 'Object' }).pressSequentially('measurement_of_12', { delay: 60 });
  });
  return frames;
}
