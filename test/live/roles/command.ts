import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../../../src/cli.ts', import.meta.url));

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
      env: { PATH: process.env['PATH'], HOME: cwd, NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout, stderr }));
  });
}
