import { execFile } from 'node:child_process';

/** The commit checked out in `directory`, or undefined where git does not know one. */
export async function gitCommit(directory: string): Promise<string | undefined> {
  return await new Promise((resolve) => {
    execFile('git', ['rev-parse', 'HEAD'], { cwd: directory, timeout: 2000 }, (error, stdout) => {
      const commit = stdout.trim();
      resolve(error === null && /^[0-9a-f]{40,64}$/.test(commit) ? commit : undefined);
    });
  });
}
