import { spawn, spawnSync, type ChildProcess } from 'node:child_process';

/**
 * A network of its own on this machine, joined to it by one cable: what runs in there is on another machine as far as the
 * network goes. The cable can be pulled: then packets are lost both ways and nobody is told, as with a switch that fails.
 */
export interface NetworkNamespace {
  /** Of this machine, as seen from in there. */
  readonly hostAddress: string;
  /** Of both ends, for pg_hba.conf. */
  readonly subnet: string;
  /** Starts a program in there. */
  spawn(program: string, args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess;
  cut(): void;
  heal(): void;
  remove(): void;
}

/** Undefined, and why, where this process may make none: that takes Linux, root and `ip`. */
export function makeNetworkNamespace(): NetworkNamespace | { readonly impossible: string } {
  const id = process.pid % 16_384;
  const name = `dbadmin${id}`;
  const subnet = `10.213.${Math.floor(id / 64)}.${(id % 64) * 4}`;
  const at = (offset: number): string => subnet.replace(/\d+$/, (last) => String(Number(last) + offset));
  const [here, there] = [`dbh${id}`, `dbn${id}`];
  const steps = [
    ['netns', 'add', name],
    ['link', 'add', here, 'type', 'veth', 'peer', 'name', there, 'netns', name],
    ['address', 'add', `${at(1)}/30`, 'dev', here],
    ['-n', name, 'address', 'add', `${at(2)}/30`, 'dev', there],
    ['-n', name, 'link', 'set', 'lo', 'up'],
    ['-n', name, 'link', 'set', there, 'up'],
    ['link', 'set', here, 'up'],
  ];
  // The cable goes with the namespace.
  const remove = (): void => void ip(['netns', 'delete', name]);
  for (const step of steps) {
    const failure = ip(step);
    if (failure === undefined) continue;
    if (step !== steps[0]) remove();
    return { impossible: `ip ${step.join(' ')}: ${failure}` };
  }
  return {
    hostAddress: at(1),
    subnet: `${subnet}/30`,
    spawn: (program, args, env) => spawn('ip', ['netns', 'exec', name, program, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] }),
    cut: () => must(ip(['link', 'set', here, 'down'])),
    heal: () => must(ip(['link', 'set', here, 'up'])),
    remove,
  };
}

/** Why it failed. */
function ip(args: readonly string[]): string | undefined {
  const { status, stderr, error } = spawnSync('ip', args, { encoding: 'utf8' });
  if (error !== undefined) return error.message;
  return status === 0 ? undefined : stderr.trim();
}

function must(failure: string | undefined): void {
  if (failure !== undefined) throw new Error(failure);
}
