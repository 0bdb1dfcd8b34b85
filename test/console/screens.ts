import type { Page } from 'playwright-core';

/** The addresses in the side bar, in its order. */
export async function addressesOfScreens(page: Page): Promise<readonly string[]> {
  return await page.locator('nav[aria-label="Screens"] a').evaluateAll((links) => links.map((link) => link.getAttribute('href') ?? ''));
}

/** On a phone the side bar hides behind a button. */
export async function openMenu(page: Page): Promise<void> {
  const menu = page.getByRole('button', { name: 'Menu' });
  if ((await menu.isVisible()) && (await menu.getAttribute('aria-expanded')) !== 'true') await menu.click();
}

const QUIET_MS = 400;
const MOST_MS = 15_000;

/** Waits until nothing is being looked at any more and the page has stood still for a moment. */
export async function settle(page: Page): Promise<void> {
  const startedMs = Date.now();
  let last = '';
  let stillSinceMs = Date.now();
  while (Date.now() - startedMs < MOST_MS) {
    const text = (await page.locator('main').textContent()) ?? '';
    const isLooking = /Looking at /.test(text);
    if (text !== last || isLooking) stillSinceMs = Date.now();
    last = text;
    if (Date.now() - stillSinceMs >= QUIET_MS) return;
    await page.waitForTimeout(50);
  }
}
