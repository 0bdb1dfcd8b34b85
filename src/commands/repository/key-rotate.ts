import { rotateKey } from '../../repository/key-changes.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { openRepository, selectRepository, unlockOf } from '../open-repository.ts';
import { confirmOrStop } from '../output.ts';
import { keysOfChosen } from './encrypted.ts';
import { newSecret } from './new-secret.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const { config, cluster } = await loadProject(context, input);
  const chosen = selectRepository(config, cluster, textOption(input, 'repository'));
  const repository = await openRepository(context, chosen);
  try {
    keysOfChosen(repository, chosen, config, cluster);
    const old = await unlockOf(chosen);
    if (old.kind === 'none') return 0;
    // Before the secret, whose file may be made for it.
    await confirmOrStop(output, `Put a new key in the place of the one that this configuration uses for ${chosen.name}?`);
    const secret = await newSecret(context, input);
    const words = { note: textOption(input, 'note') ?? '', createdAt: context.clock.now() };
    const { added, removed } = await rotateKey(repository, old, secret, words);
    output.line(`key ${added.id} is in the place of ${removed.id}; what is stored was not touched`);
    output.line(`Now change the configuration: repositories → ${chosen.name} → encryption. Until then it does not open the repository.`);
    output.result({ repository: chosen.name, added: { id: added.id, kind: added.kind, note: added.note }, removed: { id: removed.id } });
    return 0;
  } finally {
    await repository.store.close();
  }
}
