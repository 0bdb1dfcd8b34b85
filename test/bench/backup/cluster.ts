import { access, appendFile, readFile, writeFile } from 'node:fs/promises';
import type { Peers } from './peers.ts';

/** The settings of the measured cluster, which also make its figures comparable: nothing works beside what is timed. */
export const SOURCE_SETTINGS = {
  wal_level: 'replica',
  summarize_wal: 'on',
  max_wal_senders: '10',
  archive_mode: 'on',
  max_wal_size: '16GB',
  checkpoint_timeout: '1h',
  autovacuum: 'off',
  full_page_writes: 'on',
  fsync: 'on',
} as const;

/** Makes a cluster with page checksums; its archive_command is changed once there is somewhere to archive to. */
export async function makeCluster(peers: Peers, name: string): Promise<string> {
  const dataDirectory = await peers.directory(name);
  await peers.run('initdb', [
    '-D',
    dataDirectory,
    '-U',
    'postgres',
    '--auth=trust',
    '--data-checksums',
    '--encoding=UTF8',
    '--locale=C.UTF-8',
  ]);
  const lines = Object.entries({ ...SOURCE_SETTINGS, archive_command: '/bin/true' }).map(([key, value]) => `${key} = '${value}'\n`);
  await appendFile(`${dataDirectory}/postgresql.conf`, lines.join(''));
  return dataDirectory;
}

/** What a kept cluster holds, as written by {@link noteContent}; undefined when there is none. */
export async function contentOf(dataDirectory: string): Promise<string | undefined> {
  const isCluster = await access(`${dataDirectory}/PG_VERSION`).then(
    () => true,
    () => false,
  );
  return isCluster ? await readFile(`${dataDirectory}.content`, 'utf8').catch(() => undefined) : undefined;
}

/** Remembers, beside the cluster, what has been loaded into it completely. */
export async function noteContent(dataDirectory: string, content: string): Promise<void> {
  await writeFile(`${dataDirectory}.content`, content);
}
