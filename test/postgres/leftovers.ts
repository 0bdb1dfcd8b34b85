import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { VolumeInspectInfo } from 'dockerode';
import type { ContainerRuntimeClient } from 'testcontainers';
import { isRunning, processStatus } from '../../src/base/processes.ts';

/*
 * A test run that is killed leaves servers behind: containers, and embedded servers, which outlive whoever started them.
 * Each carries its owner, a process by number and start time, so that the next run can end those whose owner is gone and
 * leave alone those of another run on the same machine.
 */

const OWNER_LABEL = 'dbadmin.test.owner';
const OWNER_FILE = 'owner';
const DIRECTORY_PREFIX = 'dbadmin-test-';

/** Labels for a container or a volume that this process makes. */
export async function ownerLabels(): Promise<Readonly<Record<string, string>>> {
  return { [OWNER_LABEL]: await ownerOf(process.pid) };
}

/** Prefix of a temporary directory that a server lives in. */
export function serverDirectoryPrefix(major: number): string {
  return path.join(os.tmpdir(), `${DIRECTORY_PREFIX}${major}-`);
}

/** Notes this process as the owner of a server's directory. */
export async function ownDirectory(directory: string): Promise<void> {
  await writeFile(path.join(directory, OWNER_FILE), await ownerOf(process.pid));
}

/** Ends the servers of dead test runs and removes what they left. */
export async function sweepLeftovers(client: ContainerRuntimeClient | undefined): Promise<void> {
  await sweepDirectories();
  if (client === undefined) return;
  const { dockerode } = client.container;
  for (const container of await dockerode.listContainers({ all: true, filters: { label: [OWNER_LABEL] } })) {
    if (await lives(container.Labels[OWNER_LABEL] ?? '')) continue;
    // Somebody else may be removing it at this moment.
    await dockerode
      .getContainer(container.Id)
      .remove({ force: true, v: true })
      .catch(() => undefined);
  }
  // Those of their templates. Docker has null for none.
  const { Volumes: volumes } = (await dockerode.listVolumes({ filters: { label: [OWNER_LABEL] } })) as {
    Volumes: VolumeInspectInfo[] | null;
  };
  for (const { Name: name, Labels: labels } of volumes ?? []) {
    if (await lives(labels[OWNER_LABEL] ?? '')) continue;
    await dockerode
      .getVolume(name)
      .remove()
      .catch(() => undefined);
  }
}

async function sweepDirectories(): Promise<void> {
  const names = await readdir(os.tmpdir()).catch(() => []);
  for (const name of names.filter((each) => each.startsWith(DIRECTORY_PREFIX))) {
    const directory = path.join(os.tmpdir(), name);
    const owner = await readFile(path.join(directory, OWNER_FILE), 'utf8').catch(() => undefined);
    // Without the file it is somebody else's, or a directory made this moment.
    if (owner === undefined || (await lives(owner))) continue;
    await endServer(path.join(directory, 'home', 'data')).catch(() => undefined);
    await rm(directory, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** Ends the postmaster of a data directory, if it is one: a process number in an old file may be anybody's by now. */
async function endServer(dataDirectory: string): Promise<void> {
  const pid = Number((await readFile(path.join(dataDirectory, 'postmaster.pid'), 'utf8')).split('\n', 1)[0]);
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8');
  if (!commandLine.includes(dataDirectory)) return;
  // SIGQUIT is PostgreSQL's immediate shutdown: its children go too.
  process.kill(pid, 'SIGQUIT');
  for (let tries = 0; tries < 100 && (await isRunning(pid)); tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function ownerOf(pid: number): Promise<string> {
  return `${pid}@${(await processStatus(pid))?.startTime ?? '?'}`;
}

async function lives(owner: string): Promise<boolean> {
  const [pid, started] = owner.split('@');
  if (!(await isRunning(Number(pid)))) return false;
  return started === '?' || (await processStatus(Number(pid)))?.startTime === started;
}
