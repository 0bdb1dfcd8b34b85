import type { Machine } from '../../../src/config/connection.ts';

export interface MachineContents {
  readonly env?: Readonly<Record<string, string>>;
  /** Text by path; readable by the owner alone unless {@link MachineContents.modes} says otherwise. */
  readonly files?: Readonly<Record<string, string>>;
  readonly modes?: Readonly<Record<string, number>>;
}

/** A machine in memory: user `ana`, home `/home/ana`, working directory `/project`. */
export function machineWith({ env = {}, files = {}, modes = {} }: MachineContents = {}): Machine {
  return {
    env,
    cwd: '/project',
    homeDirectory: '/home/ana',
    userName: 'ana',
    readText: (file) => {
      const text = files[file];
      return text === undefined ? undefined : { text, mode: modes[file] ?? 0o600 };
    },
    exists: (file) => file in files,
  };
}
