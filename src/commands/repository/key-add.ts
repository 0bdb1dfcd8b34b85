import type { RepositoryConfig } from '../../config/config.ts';
import { parseEmergencyKey } from '../../repository/emergency-key.ts';
import { addProvenKey } from '../../repository/key-changes.ts';
import type { Repository } from '../../repository/repository.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { openLocked, openRepository, selectRepository } from '../open-repository.ts';
import { readEmergencyFile } from './emergency-file.ts';
import { keysOfChosen } from './encrypted.ts';
import { newSecret } from './new-secret.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { config, cluster } = await loadProject(context, input);
  const chosen = selectRepository(config, cluster, textOption(input, 'repository'));
  const repository = await open(context, input, chosen);
  try {
    // Before the secret, whose file may be made for it.
    keysOfChosen(repository, chosen, config, cluster);
    const secret = await newSecret(context, input);
    const words = { note: textOption(input, 'note') ?? '', createdAt: context.clock.now() };
    const added = await addProvenKey(repository, secret, words);
    context.output.line(`key ${added.id} opens ${chosen.name} now; what is stored was not touched`);
    context.output.result({ repository: chosen.name, added: { id: added.id, kind: added.kind, note: added.note } });
    return 0;
  } finally {
    await repository.store.close();
  }
}

/** The repository, opened with what the configuration gives or with an emergency key. */
async function open(context: CommandContext, input: CommandInput, chosen: RepositoryConfig): Promise<Repository> {
  const emergency = textOption(input, 'emergency');
  if (emergency === undefined) return await openRepository(context, chosen);
  const text = await readEmergencyFile(context, emergency);
  const { store, identity } = await openLocked(context, chosen);
  try {
    return { store, identity, keys: parseEmergencyKey(text, identity) };
  } catch (error) {
    await store.close();
    throw error;
  }
}
