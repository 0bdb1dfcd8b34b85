import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { ensureRepository, openRepository, selectRepositories } from '../open-repository.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { config, cluster } = await loadProject(context, input);
  const repositories = [];
  for (const repository of selectRepositories(config, cluster, textOption(input, 'repository'))) {
    const made = (await ensureRepository(context, repository)) === 'made';
    const opened = await openRepository(context, repository);
    repositories.push({ name: repository.name, description: opened.store.description, made });
    context.output.line(`${repository.name}  ${opened.store.description}  ${made ? 'made' : 'is there already'}`);
    await opened.store.close();
  }
  context.output.line('Not encrypted: whoever reads it reads the database. Next: dbadmin backup check, then dbadmin backup run');
  context.output.result({ repositories });
  return 0;
}
