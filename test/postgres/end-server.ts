import { setTimeout } from 'node:timers/promises';
import { runProgram, serverPid, type ServerPrograms } from '../../src/postgres/server.ts';

const LOOK_AGAIN_MS = 5;
const PATIENCE_MS = 60_000;

/**
 * Ends a server that is not needed any more, as an immediate stop does, and resolves once it has ended; fine when none runs. A run ends
 * a thousand, and pg_ctl looks only ten times a second whether they have. It sends the signal all the same: as the server's user, which
 * cannot reach a process of somebody else under the number of one that is gone.
 */
export async function endServer(programs: ServerPrograms, dataDirectory: string): Promise<void> {
  const pid = await serverPid(dataDirectory);
  if (pid === undefined) return;
  try {
    await runProgram(programs, 'pg_ctl', ['kill', 'QUIT', String(pid)]);
  } catch (error) {
    if ((await serverPid(dataDirectory)) !== undefined) throw error;
  }
  const deadline = performance.now() + PATIENCE_MS;
  while ((await serverPid(dataDirectory)) !== undefined) {
    if (performance.now() > deadline) throw new Error(`the server in ${dataDirectory} (process ${pid}) does not end`);
    await setTimeout(LOOK_AGAIN_MS);
  }
}
