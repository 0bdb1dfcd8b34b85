import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { expect } from 'vitest';
import { PASSWORD } from './project.ts';

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export interface Opened {
  readonly context: BrowserContext;
  readonly page: Page;
  /** Addresses that the page asked for. */
  readonly asked: string[];
  /** Errors on its console, and those nobody caught: none, for a page that is well. */
  readonly said: string[];
}

export interface OpenOptions {
  readonly width?: number;
  readonly dark?: boolean;
}

/** A page of its own, without cookies. */
export async function openPage(browser: Browser, { width = 1280, dark = false }: OpenOptions = {}): Promise<Opened> {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: dark ? 'dark' : 'light' });
  const page = await context.newPage();
  const asked: string[] = [];
  const said: string[] = [];
  page.on('request', (each) => void asked.push(each.url()));
  page.on('console', (message) => {
    // Of the machine, on which a container begins or ends: the page asks again.
    if (message.type() === 'error' && !message.text().includes('ERR_NETWORK_CHANGED')) said.push(message.text());
  });
  page.on('pageerror', (error) => void said.push(error.message));
  return { context, page, asked, said };
}

export async function signIn(page: Page, name: string, password = PASSWORD): Promise<void> {
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** What axe finds wrong with the page as it is now. */
export async function violations(page: Page): Promise<readonly string[]> {
  // Half a megabyte of script: once for each document.
  if ((await page.evaluate<string>('typeof axe')) === 'undefined') await page.evaluate(AXE);
  return await page.evaluate(
    `axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join(' ')))`,
  );
}

/** A picture of the whole page into the directory of DBADMIN_TEST_SCREENSHOTS, where that is set. */
export async function picture(page: Page, name: string): Promise<void> {
  const into = process.env['DBADMIN_TEST_SCREENSHOTS'];
  if (into !== undefined) await page.screenshot({ path: path.join(into, `${name}.png`), fullPage: true });
}

/**
 * Sees that axe finds nothing and that the page does not scroll sideways, at both widths and in both themes; with `name`, a
 * picture of each.
 */
export async function expectAccessible(page: Page, name?: string): Promise<void> {
  for (const width of [1280, 390]) {
    await page.setViewportSize({ width, height: 900 });
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      expect({ width, colorScheme, violations: await violations(page) }).toEqual({ width, colorScheme, violations: [] });
      const wide = await page.evaluate('document.documentElement.scrollWidth');
      expect({ width, colorScheme, isTooWide: Number(wide) > width }).toEqual({ width, colorScheme, isTooWide: false });
      if (name !== undefined) await picture(page, `${name}-${width}-${colorScheme}`);
    }
  }
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.emulateMedia({ colorScheme: 'light' });
}
