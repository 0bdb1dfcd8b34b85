import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { ensureRepository, openRepository, selectRepositories } from '../open-repository.ts';

const SAID = { none: 'not encrypted: whoever reads it reads the database', 'aes-256-gcm': 'encrypted' } as const;

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { config, cluster } = await loadProject(context, input);
  const repositories = [];
  for (const repository of selectRepositories(config, cluster, textOption(input, 'repository'))) {
    const made = (await ensureRepository(context, repository)) === 'made';
    const opened = await openRepository(context, repository);
    const { description } = opened.store;
    const { encryption } = opened.identity;
    repositories.push({ name: repository.name, description, made, encryption });
    context.output.line(`${repository.name}  ${description}  ${made ? 'made' : 'is there already'}  ${SAID[encryption]}`);
    await opened.store.close();
    if (encryption !== 'none' && made) {
      context.output.line(
        `Without its key nobody can read it, you neither: dbadmin repository key export --repository ${repository.name} --to FILE, and keep that elsewhere`,
      );
    }
  }
  context.output.line('Next: dbadmin backup check, then dbadmin backup run');
  context.output.result({ repositories });
  return 0;
}
