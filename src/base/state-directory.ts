import os from 'node:os';
import path from 'node:path';

/** Where dbadmin keeps what belongs to this user on this machine: the XDG state directory, or what systemd made for the service. */
export function stateDirectory(env: Readonly<Record<string, string | undefined>>): string {
  const stated = [env['XDG_STATE_HOME'], env['STATE_DIRECTORY']?.split(':', 1)[0]].find((each) => each !== undefined && each !== '');
  return path.join(stated ?? path.join(os.homedir(), '.local', 'state'), 'dbadmin');
}
