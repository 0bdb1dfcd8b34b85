import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { ContainerRuntimeClient } from 'testcontainers';
import { EMBEDDED_MAJORS, hasEmbedded } from '../../src/postgres/embedded.ts';
import type { ProviderName } from './cluster.ts';
import { findImages } from './images.ts';

/** Which servers the tests of this run use. Plain data: it crosses from vitest's main process to its workers. */
export interface Providers {
  /** Image by major; the majors that are not in it are embedded. */
  readonly images: Readonly<Record<number, string>>;
  /** Docker's volume for the templates of clusters in containers, where this run has one. */
  readonly templates?: string;
  /** One line for people: providers and versions. */
  readonly summary: string;
}

/**
 * Finds out what this machine has. Containers where Docker answers and images can be had, embedded servers for the rest.
 * `DBADMIN_TEST_PROVIDER=embedded` leaves Docker alone; `=testcontainers` fails where containers cannot be had.
 */
export async function findProviders(forced = process.env['DBADMIN_TEST_PROVIDER']): Promise<Providers> {
  if (forced !== undefined && forced !== '' && forced !== 'embedded' && forced !== 'testcontainers') {
    throw new Error(`DBADMIN_TEST_PROVIDER is embedded or testcontainers, not ${forced}`);
  }
  const images: Record<number, string> = {};
  const parts: string[] = [];
  const client = forced === 'embedded' ? undefined : await containerRuntime();
  if (client !== undefined) {
    const containers: string[] = [];
    for (const [major, image] of await findImages(client)) {
      if (typeof image === 'string') process.stderr.write(`no container for PostgreSQL ${major}: ${image}\n`);
      else {
        images[major] = image.name;
        containers.push(`${image.version} (${image.name})`);
      }
    }
    if (containers.length > 0) parts.push(`testcontainers ${containers.join(', ')}`);
  }
  if (forced === 'testcontainers' && parts.length === 0) {
    throw new Error(`DBADMIN_TEST_PROVIDER=testcontainers, but ${client === undefined ? 'no Docker answers' : 'there is no image'}`);
  }
  const embedded = EMBEDDED_MAJORS.filter((major) => hasEmbedded(major) && images[major] === undefined);
  if (embedded.length > 0) parts.push(`embedded ${(await Promise.all(embedded.map(embeddedVersion))).join(', ')}`);
  const why = forced === 'embedded' ? ' (as DBADMIN_TEST_PROVIDER says)' : client === undefined ? ' (no Docker answers)' : '';
  return { images, summary: `PostgreSQL for the tests: ${parts.join('; ')}${why}` };
}

/** The provider of a cluster: what the test insists on, else a container where there is an image of the major. */
export function providerOf(major: number, providers: Providers, wanted: ProviderName | undefined): ProviderName {
  return wanted ?? (providers.images[major] === undefined ? 'embedded' : 'testcontainers');
}

/** Docker's client, or undefined where no Docker answers. */
export async function containerRuntime(): Promise<ContainerRuntimeClient | undefined> {
  // The reaper's image cannot be had everywhere; sweepLeftovers does its work. Read once, when the package loads.
  process.env['TESTCONTAINERS_RYUK_DISABLED'] ??= 'true';
  const { getContainerRuntimeClient } = await import('testcontainers');
  return await getContainerRuntimeClient().catch(() => undefined);
}

async function embeddedVersion(major: number): Promise<string> {
  const name = `pg${major}-${process.platform}-${process.arch}`;
  const places = createRequire(import.meta.url).resolve.paths(name) ?? [];
  for (const place of places) {
    const text = await readFile(path.join(place, name, 'package.json'), 'utf8').catch(() => undefined);
    // "17.10.0-beta.17": the server's own version and the packaging's.
    if (text !== undefined) return (JSON.parse(text) as { version: string }).version.replace(/\.\d+(?:-.*)?$/, '');
  }
  return String(major);
}
