// Runs after `npm ci` and `npm install` in a clone: builds dist/, makes `npx dbadmin` find this clone's own command, and
// keeps the lock file free of `engines`.
// npm links a package's bin only into its dependents, never into itself.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';

if (!existsSync('src/cli.ts')) process.exit(0);
rmSync('dist', { recursive: true, force: true });
const build = spawnSync('node', ['.ci/bundle.mjs'], { stdio: 'inherit' });
if (build.error !== undefined) throw build.error;
if (build.status !== 0) process.exit(build.status ?? 1);
if (existsSync('node_modules/.bin')) {
  mkdirSync('node_modules/.bin', { recursive: true });
  rmSync('node_modules/.bin/dbadmin', { force: true });
  symlinkSync('../../bin/dbadmin.cjs', 'node_modules/.bin/dbadmin');
}

// In a clone everything runs under the Node that the lock file pins, but npm compares `engines` with the Node that npm
// itself runs under, and warns on every `npm ci` of something that is not so. What the clone needs is in devEngines.
if (existsSync('package-lock.json')) {
  const text = readFileSync('package-lock.json', 'utf8');
  const lock = JSON.parse(text);
  for (const entry of Object.values(lock.packages)) delete entry.engines;
  const tidy = `${JSON.stringify(lock, undefined, 2)}\n`;
  if (tidy !== text) writeFileSync('package-lock.json', tidy);
}
