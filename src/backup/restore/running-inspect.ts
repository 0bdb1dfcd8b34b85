import { DbadminError } from '../../base/errors.ts';
import { findServer, type ServerTrace } from '../../postgres/server-traces.ts';

/** @throws {DbadminError} `refused` when a server, or what is left of one, has a data directory open. */
export async function refuseRunning(dataDirectory: string): Promise<void> {
  const trace = await findServer(dataDirectory);
  if (trace !== undefined) throw refusal(dataDirectory, trace);
}

function refusal(dataDirectory: string, trace: ServerTrace): DbadminError {
  if (trace.kind === 'postmaster') {
    return new DbadminError('refused', `a server runs in ${dataDirectory} (process ${trace.pid})`, {
      detail: 'Its postmaster.pid names a process that lives.',
      hint: 'Stop it first. When that process is not a PostgreSQL server, remove postmaster.pid.',
    });
  }
  const message = `processes of a server are still at work in ${dataDirectory}`;
  if (trace.kind === 'processes') {
    return new DbadminError('refused', message, {
      detail: `PostgreSQL's ${trace.pids.length === 1 ? 'process' : 'processes'} ${trace.pids.join(', ')} ${trace.pids.length === 1 ? 'has' : 'have'} it as working directory.`,
      hint: 'Stop that server. Where its postmaster is gone, end these processes: they would write over what is restored.',
    });
  }
  return new DbadminError('refused', message, {
    detail: `${trace.attached} have its shared memory attached (id ${trace.id}, the seventh line of postmaster.pid).`,
    hint: `Find them in the output of ipcs -p -m and lsof, and end them: they would write over what is restored. When they are none of this server, remove postmaster.pid.`,
  });
}
