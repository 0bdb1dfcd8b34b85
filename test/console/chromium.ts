import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** The Chromium of this machine, or undefined; nothing is ever fetched for it. */
export function findChromium(): string | undefined {
  return [process.env['DBADMIN_TEST_CHROMIUM'], ...PLACES].find((each) => each !== undefined && existsSync(each));
}

/** Starts it without a window. Root has no sandbox to run it in. */
export async function startChromium(executablePath: string): Promise<Browser> {
  return await chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
}
