import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../../../src/cli.ts', import.meta.url));
/** What Node.js makes of the source is kept, by its contents: half of what starting a command from its source costs. */
const COMPILE_CACHE = fileURLToPath(new URL('../../../node_modules/.cache/dbadmin-test', import.meta.url));

export interface CommandResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs dbadmin from its source, as a user would, in `cwd`. */
export async function dbadmin(args: readonly string[], cwd: string, env: Readonly<Record<string, string>> = {}): Promise<CommandResult> {
  return await new Promise((resolve, reject) => {
    const start = `const { main } = await import(${JSON.stringify(CLI)}); await main(process.argv.slice(1));`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', start, '--', ...args], {
      cwd,
      env: { PATH: process.env['PATH'], HOME: cwd, NO_COLOR: '1', NODE_COMPILE_CACHE: COMPILE_CACHE, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout, stderr }));
  });
}
