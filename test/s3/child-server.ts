import { spawn, type ChildProcess } from 'node:child_process';
import net from 'node:net';

const START_MS = 60_000;

export interface ChildServer {
  stop(): Promise<void>;
}

/**
 * Starts a server program that listens on `port` of 127.0.0.1 and waits until it does. It gets only the PATH of our
 * environment, so that proxies and keys set there do not matter.
 */
export async function startChildServer(program: string, args: readonly string[], port: number): Promise<ChildServer> {
  const server = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: process.env['PATH'] } });
  let said = '';
  server.stderr.on('data', (data: Buffer) => (said = (said + data.toString()).slice(-2000)));
  server.on('error', (error) => (said += error.message));
  try {
    const end = Date.now() + START_MS;
    while (!(await answers(port))) {
      if (server.exitCode !== null || server.pid === undefined) throw new Error(`${program} ended at once: ${said}`);
      if (Date.now() > end) throw new Error(`${program} does not listen after ${START_MS / 1000} s: ${said}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  } catch (error) {
    await stopChild(server);
    throw error;
  }
  return { stop: async () => await stopChild(server) };
}

async function answers(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

async function stopChild(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null || server.pid === undefined) return;
  const ended = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGTERM');
  const hard = setTimeout(() => server.kill('SIGKILL'), 5000);
  await ended;
  clearTimeout(hard);
}
