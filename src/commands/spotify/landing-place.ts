import path from 'node:path';
import type { ClusterConfig, Config } from '../../config/config.ts';
import type { LandingPlace } from '../../spotify/fetch/landing-apply.ts';
import { openStore } from '../../storage/open.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { openRepository, selectRepository } from '../open-repository.ts';

/**
 * Where pages land: the directory of `--landing`, or the storage of a repository, sealed as everything there is. Close its store.
 *
 * A repository that locks what it keeps does not lock pages (retained-store.ts): who is forgotten must be gone.
 *
 * @throws {DbadminError} `config-missing` without either, `repository-missing`, `key-wrong`.
 */
export async function openLanding(
  context: CommandContext,
  input: CommandInput,
  config: Config,
  cluster: ClusterConfig,
): Promise<LandingPlace> {
  const directory = textOption(input, 'landing');
  if (directory !== undefined) {
    const place = { type: 'disk', path: path.resolve(context.cwd, directory) } as const;
    return { store: await openStore(place, { clock: context.clock, random: Math.random, create: true }), sealing: undefined };
  }
  const chosen = selectRepository(config, cluster, textOption(input, 'repository'));
  const { store, keys } = await openRepository(context, chosen);
  return { store, sealing: { keys } };
}
