import type { WalDestination } from '../../backup/wal/destination.ts';
import { isDbadminError } from '../../base/errors.ts';
import type { ClusterConfig, Config } from '../../config/config.ts';
import { readIdentity } from '../../repository/identity.ts';
import type { Repository } from '../../repository/repository.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { openRepository, selectRepositories } from '../open-repository.ts';
import { loadPolicies } from '../schedule/load-policies.ts';

/** Where a cluster's WAL goes, opened on demand and once; close them all when done. */
export interface OpenDestinations {
  readonly destinations: readonly WalDestination[];
  close(): Promise<void>;
}

/**
 * The repositories of a cluster, and which of them must have the WAL: what `wal.required` of its policies names, or all. One that is named there
 * is among them, though the configuration gives others to the cluster: nothing is safe before it is there.
 */
export async function openDestinations(
  context: CommandContext,
  input: CommandInput,
  config: Config,
  cluster: ClusterConfig,
): Promise<OpenDestinations> {
  const own = selectRepositories(config, cluster, textOption(input, 'repository'));
  const required = textOption(input, 'repository') === undefined ? await requiredNames(context, input, cluster) : undefined;
  const others = [...(required ?? [])].filter((name) => own.every((each) => each.name !== name));
  const chosen = [...own, ...others.flatMap((name) => selectRepositories(config, cluster, name))];
  const opened = new Map<string, Promise<Repository>>();
  // Somebody may be at work on them still.
  const left: Repository[] = [];
  const destinations = chosen.map((each): WalDestination => {
    const open = async (): Promise<Repository> => {
      const opening = opened.get(each.name) ?? openRepository(context, each);
      opened.set(each.name, opening);
      // One that failed is tried again next time.
      opening.catch(() => opened.delete(each.name));
      return await opening;
    };
    const reopen = async (): Promise<Repository> => {
      const before = opened.get(each.name);
      const repository = await open();
      if (before === undefined || (await readIdentity(repository.store)).id === repository.identity.id) return repository;
      context.log.warn(`${each.name} is another repository than before: what comes now is stored with its key`);
      if (opened.get(each.name) === before) {
        left.push(repository);
        opened.delete(each.name);
      }
      return await open();
    };
    return { name: each.name, required: required?.has(each.name) ?? true, open, reopen };
  });
  return {
    destinations,
    close: async () => {
      for (const opening of opened.values()) await opening.then(({ store }) => store.close()).catch(() => undefined);
      for (const { store } of left) await store.close().catch(() => undefined);
    },
  };
}

/** Undefined: all. Where the policies cannot be read all are, too: WAL must not be called safe by mistake. */
async function requiredNames(
  context: CommandContext,
  input: CommandInput,
  cluster: ClusterConfig,
): Promise<ReadonlySet<string> | undefined> {
  try {
    const { policies } = await loadPolicies(context, input);
    const own = [...policies.policies.values()].filter((policy) => policy.cluster === cluster.name && policy.wal.mode !== 'none');
    return own.length === 0 ? undefined : new Set(own.flatMap(({ wal }) => wal.required));
  } catch (error) {
    if (!isDbadminError(error, 'config-missing')) {
      context.log.warn(`the policies cannot be read, so WAL waits for every repository: ${error instanceof Error ? error.message : ''}`);
    }
    return undefined;
  }
}
