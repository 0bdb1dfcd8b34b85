import type { Page } from 'playwright-core';

/** What a page took between its frames while something was done with it, in milliseconds. */
export async function frameTimes(page: Page, work: () => Promise<void>): Promise<readonly number[]> {
  await page.evaluate(`(() => {
    const times = []; let last = performance.now(); let isOn = true;
    const tick = (now) => { times.push(now - last); last = now; if (isOn) requestAnimationFrame(tick); };
    requestAnimationFrame((now) => { last = now; requestAnimationFrame(tick); });
    window.endFrames = () => { isOn = false; return times; };
  })()`);
  await work();
  return await page.evaluate<readonly number[]>('window.endFrames()');
}

export interface FrameFigures {
  readonly frames: number;
  readonly medianMs: number;
  readonly p95Ms: number;
  readonly mostMs: number;
}

export function figuresOf(times: readonly number[]): FrameFigures {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { frames: sorted.length, medianMs: at(0.5), p95Ms: at(0.95), mostMs: sorted.at(-1) ?? 0 };
}
