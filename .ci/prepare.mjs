// Runs after `npm ci` in a clone: builds dist/ and makes `npx dbadmin` find this clone's own command.
// npm links a package's bin only into its dependents, never into itself.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';

if (!existsSync('src/cli.ts')) process.exit(0);
rmSync('dist', { recursive: true, force: true });
const build = spawnSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' });
if (build.error !== undefined) throw build.error;
if (build.status !== 0) process.exit(build.status ?? 1);
if (existsSync('node_modules/.bin')) {
  mkdirSync('node_modules/.bin', { recursive: true });
  rmSync('node_modules/.bin/dbadmin', { force: true });
  symlinkSync('../../bin/dbadmin.cjs', 'node_modules/.bin/dbadmin');
}
