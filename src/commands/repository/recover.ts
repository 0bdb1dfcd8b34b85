import type { RepositoryIdentity } from '../../repository/identity.ts';
import { IDENTITY_KEY } from '../../repository/layout.ts';
import { inspectLost, newParts, writeRecovered, type RecoveryKey } from '../../repository/recover-identity.ts';
import { planRecovery, type LostIdentity, type RecoveryPlan } from '../../repository/recover-plan.ts';
import { flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { openToRecover, selectRepository, unlockOf } from '../open-repository.ts';
import { confirmOrStop } from '../output.ts';
import { readEmergencyFile } from './emergency-file.ts';
import { shellWord } from '../../base/shell-word.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock, version } = context;
  const { config, cluster } = await loadProject(context, input);
  const place = selectRepository(config, cluster, textOption(input, 'repository'));
  const emergency = textOption(input, 'emergency');
  const key: RecoveryKey =
    emergency === undefined ? await unlockOf(place) : { kind: 'emergency', text: await readEmergencyFile(context, emergency) };
  const store = await openToRecover(context, place);
  try {
    const lost = await inspectLost(store, key);
    const plan = planRecovery(lost, newParts(clock, version));
    show(context, place.name, lost, plan);
    const isDryRun = flagOption(input, 'dryRun');
    let identity: Omit<RepositoryIdentity, 'conditionalCreate'> = plan.identity;
    if (isDryRun) output.line('Nothing was written.');
    else {
      if (lost.state === 'damaged') await confirmOrStop(output, `Put it in the place of the damaged ${IDENTITY_KEY}?`);
      identity = await writeRecovered(store, lost.state, plan);
      output.line(`${place.name} is a repository again. Next: dbadmin backup verify`);
      if (emergency !== undefined) output.line(`Where no key opens it: dbadmin repository key add --emergency ${shellWord(emergency)}`);
    }
    const { id, createdAt, format, encryption } = identity;
    const { provenBy, strangers } = plan;
    output.result({
      repository: place.name,
      was: lost.state,
      written: !isDryRun,
      identity: { id, createdAt, format, encryption },
      isMended: plan.identity === lost.mended,
      provenBy,
      strangers,
    });
    return 0;
  } finally {
    await store.close();
  }
}

function show(
  { output }: CommandContext,
  name: string,
  lost: LostIdentity,
  { identity, provenBy, strangers, untrustedIndexes }: RecoveryPlan,
): void {
  const { format, encryption, createdAt, id } = identity;
  output.line(`${name}  ${lost.description}  ${IDENTITY_KEY} is ${lost.state}`);
  output.line(
    `identity  ${id}, format ${format}, made ${createdAt}, ${encryption === 'none' ? 'not encrypted' : `encrypted with ${encryption}`}${identity === lost.mended ? ': as it was before one bit of it was flipped' : ''}`,
  );
  if (provenBy.length > 0) {
    output.line(`proven by ${provenBy.length} ${provenBy.length === 1 ? 'object' : 'objects'} read to the end, such as ${provenBy[0]}`);
  } else if (identity === lost.mended) output.line('proven by nothing but itself: what there is does not show it');
  else output.line('proven by nothing: no backup, WAL or dump is there yet');
  for (const key of untrustedIndexes)
    output.warn(
      `${key} is not encrypted, as a rebuild without the key leaves it: dbadmin repository rebuild-index with the key writes it anew`,
    );
  for (const key of strangers)
    output.warn(
      `${key} is whole and ${identity.encryption === 'none' ? 'encrypted' : 'does not open with this key'}: it is not of this repository`,
    );
}
