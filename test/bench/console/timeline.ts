import type { Page } from 'playwright-core';
import { frameTimes } from './frames.ts';
import { serveDocuments } from './serve-documents.ts';
import { syntheticBackups, type Size } from './synthetic.ts';

const STATUS = {
  status: {
    at: new Date().toISOString(),
    clusters: [{ name: 'main', place: 'made up', repositories: [{ name: 'local', place: '/srv/backup' }] }],
    jobs: [],
    problems: [],
    unknown: [],
  },
  promises: {},
};

/** A page that is left alone: no bound of ours, but what the others are to be judged by. */
export const IDLE = 'left alone';

const PREFLIGHT = {
  preflight: {
    target: 'made up',
    at: null,
    timeline: 1,
    dataDirectory: '/var/tmp/made-up',
    port: 55_432,
    backup: 'made-up',
    proof: 'unproven',
    expected: null,
    end: { kind: 'end-of-wal' },
    neededFrom: '0/28',
    neededUntil: '0/2000028',
    availableUntil: '0/2000028',
    before: null,
    after: null,
    totalBytes: 1,
    walBytes: 1,
    freeBytes: 2,
    overwrites: null,
    returning: [],
  },
};

/** What is done with the timeline, each with the time between its frames. */
export async function timelineFrames(
  page: Page,
  assets: string,
  size: Size,
): Promise<readonly { readonly name: string; readonly times: readonly number[] }[]> {
  const { info, list, ledger, points } = syntheticBackups(size, new Date());
  const documents = new Map<string, object>([
    ['backups/info', info],
    ['backups/list', list],
    ['backups/ledger', ledger],
    ['schedule/list', { jobs: [] }],
    ['schedule/history', { runs: [] }],
    ['backups/points', points],
    ['backups/commits', { repository: 'local', timeline: 1, found: [], others: [], more: 0 }],
    ['backups/wal', { slot: 'dbadmin', isReceiving: true, writtenLsn: null, repositories: [] }],
    ['backups/preflight', PREFLIGHT],
  ]);
  const served = await serveDocuments(assets, STATUS, documents);
  try {
    await page.goto(`${served.url}/backups?cluster=main`);
    await page.getByRole('slider').waitFor();
    await page.getByRole('button', { name: 'All', exact: true }).click();
    await page.getByRole('button', { name: 'Look for restore points' }).click();
    await page.waitForTimeout(1000);
    return await measured(page);
  } finally {
    await served.stop();
  }
}

async function measured(page: Page): Promise<readonly { readonly name: string; readonly times: readonly number[] }[]> {
  const plot = await page.locator('.plot .brushed').boundingBox();
  const strip = await page.locator('.strip').boundingBox();
  if (plot === null || strip === null) throw new Error('the timeline is not drawn');
  const middle = plot.y + plot.height / 2;
  const sweep = async (y: number, from: number, to: number, steps: number): Promise<void> => {
    for (let step = 0; step <= steps; step += 1) await page.mouse.move(plot.x + plot.width * (from + ((to - from) * step) / steps), y);
  };
  const results: { name: string; times: readonly number[] }[] = [];
  const note = async (name: string, work: () => Promise<void>): Promise<void> =>
    void results.push({ name, times: await frameTimes(page, work) });

  // What the machine does to a page that is left alone: others that work on it show here.
  await note(IDLE, async () => await page.waitForTimeout(2000));
  await note('pointing at marks', async () => await sweep(plot.y + plot.height - 14, 0.05, 0.95, 120));
  await note('brushing, and looking nearer', async () => {
    for (const [from, to] of [
      [0.1, 0.9],
      [0.2, 0.8],
      [0.3, 0.7],
    ] as const) {
      await sweep(middle, from, from, 1);
      await page.mouse.down();
      await sweep(middle, from, to, 40);
      await page.mouse.up();
    }
  });
  await page.mouse.dblclick(plot.x + plot.width / 2, middle);
  await page.getByRole('slider').focus();
  await note('zooming with the wheel', async () => {
    await page.mouse.move(plot.x + plot.width * 0.7, middle);
    for (let step = 0; step < 60; step += 1) await page.mouse.wheel(0, step < 30 ? -150 : 150);
  });
  await note('sliding the moment', async () => {
    const handle = await page.getByRole('slider').boundingBox();
    if (handle === null) throw new Error('the slider is not there');
    const y = handle.y + handle.height / 2;
    await page.mouse.move(handle.x + handle.width / 2, y);
    await page.mouse.down();
    await sweep(y, 0.95, 0.05, 150);
    await page.mouse.up();
  });
  await note('moving the moment by keys', async () => {
    for (let step = 0; step < 100; step += 1) await page.keyboard.press(step % 2 === 0 ? 'PageUp' : 'Shift+PageDown');
  });
  await note('panning by the overview', async () => {
    await page.getByRole('button', { name: '16 days' }).click();
    await page.mouse.move(strip.x + strip.width - 4, strip.y + strip.height / 2);
    await page.mouse.down();
    await sweep(strip.y + strip.height / 2, 0.98, 0.02, 120);
    await page.mouse.up();
  });
  return results;
}
