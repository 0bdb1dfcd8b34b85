import { spawnSync } from 'node:child_process';
import { globSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** What users run: built, for that starts in half the time of the several hundred files it is made of. */
export const CLI = fileURLToPath(new URL('../bin/dbadmin.cjs', import.meta.url));

/** For the environment of each command: what Node.js makes of it is kept between them, wherever their HOME is. */
export const COMPILE_CACHE = { NODE_COMPILE_CACHE: fileURLToPath(new URL('../node_modules/.cache/dbadmin-test', import.meta.url)) };

/** Builds the command when a file that it is made of is newer; `npm test` has built it before. */
export function buildIfStale(): void {
  const built = statSync(new URL('../dist/cli.js', import.meta.url), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const sources = globSync('src/**/*.{ts,tsx,css,html}', { cwd: ROOT });
  if (sources.every((file) => statSync(`${ROOT}/${file}`).mtimeMs <= built)) return;
  const { status } = spawnSync(process.execPath, ['.ci/bundle.mjs'], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error(`the command that the tests run cannot be built: .ci/bundle.mjs ended with ${status}`);
}
