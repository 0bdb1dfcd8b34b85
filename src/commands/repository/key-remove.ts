import { removeKey } from '../../repository/key-changes.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { openRepository, selectRepository, unlockOf } from '../open-repository.ts';
import { confirmOrStop } from '../output.ts';
import { keysOfChosen } from './encrypted.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const { config, cluster } = await loadProject(context, input);
  const chosen = selectRepository(config, cluster, textOption(input, 'repository'));
  const [id = ''] = input.args;
  const repository = await openRepository(context, chosen);
  try {
    keysOfChosen(repository, chosen, config, cluster);
    const unlock = await unlockOf(chosen);
    if (unlock.kind === 'none') return 0;
    await confirmOrStop(output, `Remove key ${id} of ${chosen.name}? Whoever relies on it cannot open the repository any more.`);
    const removed = await removeKey(repository, id, unlock, {
      note: 'put back: another was removed meanwhile',
      createdAt: context.clock.now(),
    });
    output.line(`key ${removed.id}${removed.note === '' ? '' : ` (${removed.note})`} is gone`);
    output.line('Whoever knew it and had a copy of it may still have the repository key: what they could read, they can.');
    output.result({ repository: chosen.name, removed: { id: removed.id, kind: removed.kind, note: removed.note } });
    return 0;
  } finally {
    await repository.store.close();
  }
}
