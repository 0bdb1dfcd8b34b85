import { spawn } from 'node:child_process';
import path from 'node:path';
import type { ContainerRuntimeClient } from 'testcontainers';

/** The majors that run in containers: those of which Debian has packages, so that an image can be had without pulling. */
export const CONTAINER_MAJORS = [15, 17, 18] as const;

export interface PostgresImage {
  readonly name: string;
  /** "17.11". */
  readonly version: string;
}

const PULL_TIMEOUT_MS = 20_000;
const BUILD_TIMEOUT_MS = 600_000;

/**
 * An image for each major, or a sentence that says why there is none.
 * Ours when it is built, else the official one: the one on this machine, or pulled; else ours is built now.
 */
export async function findImages(client: ContainerRuntimeClient): Promise<ReadonlyMap<number, PostgresImage | string>> {
  const found = new Map<number, PostgresImage | string>();
  let pullable = true;
  for (const major of CONTAINER_MAJORS) {
    let image = (await localImage(client, `dbadmin-test/postgres:${major}`)) ?? (await localImage(client, `postgres:${major}`));
    if (image === undefined && pullable) {
      pullable = await pull(client, `postgres:${major}`);
      image = await localImage(client, `postgres:${major}`);
    }
    const failure = image === undefined ? await build(major) : undefined;
    image ??= await localImage(client, `dbadmin-test/postgres:${major}`);
    found.set(major, image ?? `postgres:${major} cannot be pulled, and ${failure ?? 'test/images/build.sh left no image'}`);
  }
  return found;
}

async function localImage(client: ContainerRuntimeClient, name: string): Promise<PostgresImage | undefined> {
  try {
    const { Config: config } = await client.container.dockerode.getImage(name).inspect();
    // The official images have the version in their environment as Debian's packages write it: "17.6-1.pgdg13+1".
    const official = config.Env.find((line) => line.startsWith('PG_VERSION='))?.slice('PG_VERSION='.length);
    return { name, version: config.Labels?.['dbadmin.test.version'] ?? official?.replace(/-.*$/, '') ?? '?' };
  } catch (error) {
    if (error instanceof Error && 'statusCode' in error && error.statusCode === 404) return undefined;
    throw error;
  }
}

/** Tries to pull, for 20 seconds: a registry that is cut off often does not answer at all. */
async function pull(client: ContainerRuntimeClient, name: string): Promise<boolean> {
  const { dockerode } = client.container;
  const stream = await dockerode.pull(name, { abortSignal: AbortSignal.timeout(PULL_TIMEOUT_MS) }).catch(() => undefined);
  if (stream === undefined) return false;
  return await new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), PULL_TIMEOUT_MS);
    dockerode.modem.followProgress(stream, (error) => {
      clearTimeout(timer);
      resolve(error === null);
    });
  });
}

/** Builds our image of `major`; resolves to what went wrong. */
async function build(major: number): Promise<string | undefined> {
  const script = path.resolve(import.meta.dirname, '../images/build.sh');
  return await new Promise((resolve) => {
    const child = spawn('bash', [script, String(major)], { stdio: ['ignore', 'inherit', 'pipe'], timeout: BUILD_TIMEOUT_MS });
    let text = '';
    child.stderr.on('data', (data: Buffer) => {
      text += data.toString();
      process.stderr.write(data);
    });
    child.on('error', (error) => resolve(error.message));
    child.on('close', (status) => resolve(status === 0 ? undefined : text.trim()));
  });
}
