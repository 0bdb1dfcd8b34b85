import os from 'node:os';
import { keyIdOf, listKeys } from '../../repository/key-objects.ts';
import type { Repository } from '../../repository/repository.ts';
import { note, ok, problem, type Finding } from './finding.ts';

/** How many keys open the repository, and whether losing the database host would lose the only one. */
export async function checkKeys(place: string, repository: Repository, databaseIsHere: boolean): Promise<readonly Finding[]> {
  if (repository.keys === undefined) return [];
  const { keys, damaged } = await listKeys(repository.store);
  const what = `repository ${place}`;
  const name = `${what} keys`;
  const unreadable = damaged.map((each) =>
    problem(
      `${what} ${each.key}`,
      `it cannot be read and opens nothing: ${each.error.detail ?? each.error.message}`,
      `dbadmin repository key remove ${keyIdOf(each)} --repository ${place}, and dbadmin repository key add for whoever relied on it`,
    ),
  );
  if (keys.length > 1) return [ok(name, `${keys.length} keys open it`), ...unreadable];
  const only = keys[0]?.id ?? 'none';
  return [
    ...unreadable,
    note(
      name,
      databaseIsHere
        ? `the only key (${only}) is here, on the database host: whoever loses this machine loses the backups with it`
        : `only one key (${only}) opens it: lost, nobody can read the backups`,
      `dbadmin repository key add --repository ${place} --note …, with a key that is kept elsewhere; or dbadmin repository key export --repository ${place} --to FILE, and take that away`,
    ),
  ];
}

/** Whether one of `hosts` is this machine: a socket's directory, loopback, or a name or address of its own. */
export function isThisMachine(hosts: readonly { readonly host: string }[]): boolean {
  const addresses = Object.values(os.networkInterfaces()).flatMap((each) => each ?? []);
  const own = new Set(['localhost', os.hostname(), ...addresses.map(({ address }) => address)]);
  return hosts.some(({ host }) => host.startsWith('/') || own.has(host) || /^127\.|^::1$/.test(host));
}
