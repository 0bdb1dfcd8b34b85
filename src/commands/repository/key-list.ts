import { findOpeningKey } from '../../repository/key-changes.ts';
import { keyIdOf, listKeys } from '../../repository/key-objects.ts';
import { damagedJson } from '../backup/recovery-json.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { openLocked, selectRepository, unlockOf } from '../open-repository.ts';
import { encryptedOthers, whichIs } from './encrypted.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const { config, cluster } = await loadProject(context, input);
  const repository = selectRepository(config, cluster, textOption(input, 'repository'));
  const { store, identity } = await openLocked(context, repository);
  try {
    const unlock = await unlockOf(repository);
    const configured = unlock.kind === 'none' || identity.encryption === 'none' ? undefined : await findOpeningKey(store, identity, unlock);
    const stored = await listKeys(store);
    const keys = stored.keys.map(({ id, kind, createdAt, note }) => ({
      id,
      kind,
      createdAt,
      note,
      isConfigured: id === configured?.object.id,
    }));
    output.table(
      ['key', 'kind', 'made', 'for', 'configured here'],
      keys.map(({ id, kind, createdAt, note, isConfigured }) => [
        id,
        kind,
        createdAt,
        note,
        isConfigured ? output.style('good', 'yes') : '',
      ]),
    );
    for (const each of stored.damaged)
      output.warn(
        `${each.key} cannot be read and opens nothing: ${each.error.detail ?? each.error.message} dbadmin repository key remove ${keyIdOf(each)} takes it away`,
      );
    if (identity.encryption === 'none') {
      output.line(`${repository.name} is not encrypted: whoever reads it reads the database`);
      const others = encryptedOthers(repository, config, cluster);
      if (others.length > 0) output.line(whichIs(others));
    } else if (configured === undefined) output.warn('what the configuration gives opens none of them');
    output.result({ repository: repository.name, encryption: identity.encryption, keys, damaged: damagedJson(stored.damaged) });
    return 0;
  } finally {
    await store.close();
  }
}
