import { open, readFile } from 'node:fs/promises';
import path from 'node:path';

/** Of a log that may be that of a whole day: what a server says before it pauses, again and again, is shorter by far. */
const TAIL_BYTES = 256 * 1024;

const PAUSED = /recovery has paused|pausing at the end of recovery/;
/** The first that each server says in its own log: what is before it, another one said. */
const STARTING = 'starting PostgreSQL';

/**
 * Whether a server's recovery has paused. It says so in its log: `logFile`, or where its own configuration has it collected; asking it by SQL would need
 * a password that a clone may not share.
 */
export async function isPaused(dataDirectory: string, logFile: string): Promise<boolean> {
  for (const file of [logFile, ...(await collectedLogs(dataDirectory))]) {
    const text = await tailOf(file);
    if (PAUSED.test(text.slice(Math.max(0, text.lastIndexOf(STARTING))))) return true;
  }
  return false;
}

/** Lines of `current_logfiles`, which a server that collects its log keeps: `stderr log/postgresql-Tue.log`. */
async function collectedLogs(dataDirectory: string): Promise<readonly string[]> {
  const text = await readFile(path.join(dataDirectory, 'current_logfiles'), 'utf8').catch(() => '');
  return [...text.matchAll(/^(?:stderr|csvlog|jsonlog) (.+)$/gm)].map(([, file = '']) => path.resolve(dataDirectory, file));
}

/** Empty where there is no such file, or none that may be read. */
async function tailOf(file: string): Promise<string> {
  const handle = await open(file, 'r').catch(() => undefined);
  if (handle === undefined) return '';
  try {
    const { size } = await handle.stat();
    const from = Math.max(0, size - TAIL_BYTES);
    const bytes = Buffer.alloc(size - from);
    const { bytesRead } = await handle.read(bytes, 0, bytes.byteLength, from);
    return bytes.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}
