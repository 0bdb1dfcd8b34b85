import path from 'node:path';
import { DbadminError } from '../../base/errors.ts';
import { formatEmergencyKey } from '../../repository/emergency-key.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { openRepository, selectRepository } from '../open-repository.ts';
import { keysOfChosen } from './encrypted.ts';
import { writeSecretFile } from './new-secret.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const { config, cluster } = await loadProject(context, input);
  const chosen = selectRepository(config, cluster, textOption(input, 'repository'));
  const to = textOption(input, 'to');
  if (to === undefined)
    throw new DbadminError('usage', 'say where the emergency key goes', { hint: 'Give --to FILE, or --to - to print it.' });
  const repository = await openRepository(context, chosen);
  try {
    const text = formatEmergencyKey(repository.identity, keysOfChosen(repository, chosen, config, cluster), context.clock.now());
    if (to === '-') {
      output.raw(text);
      return 0;
    }
    const file = path.resolve(context.cwd, to);
    await writeSecretFile(file, text);
    output.line(`${file} opens ${chosen.name} without any other key: keep it away from the repository and from the database host`);
    output.result({ repository: chosen.name, file });
    return 0;
  } finally {
    await repository.store.close();
  }
}
