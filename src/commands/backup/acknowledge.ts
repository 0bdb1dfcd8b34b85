import { findCluster } from '../../backup/lineage-inspect.ts';
import { beginningOf, mismatchesOf } from '../../backup/suspicion.ts';
import { DbadminError } from '../../base/errors.ts';
import { placeFinding, type AuditFinding } from '../../repository/audit-findings.ts';
import { listBackups } from '../../repository/manifest.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { openRepository, selectRepositories } from '../open-repository.ts';
import { confirmOrStop } from '../output.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock } = context;
  const label = input.args[0] ?? '';
  const reason = textOption(input, 'reason');
  const sound = soundOption(input);
  if (reason === undefined) {
    throw new DbadminError('usage', 'an acknowledgement needs a reason', {
      hint: 'Whoever restores one day will want to know what was found: --reason "the disk of db1 was replaced; amcheck is clean".',
    });
  }
  const { config, cluster } = await loadProject(context, input);
  const places = selectRepositories(config, cluster, textOption(input, 'repository'));
  const findings: { readonly repository: string; readonly finding: AuditFinding }[] = [];
  for (const place of places) {
    const repository = await openRepository(context, place);
    try {
      const { systemIdentifier } = await findCluster(repository, cluster.name, textOption(input, 'systemIdentifier'));
      const backups = await listBackups(repository, systemIdentifier);
      const mismatch = mismatchesOf(backups).find(({ audit }) => audit === label);
      const audited = backups.find((each) => each.label === label);
      if (mismatch === undefined || audited === undefined) continue;
      const began = beginningOf(audited);
      const wrong = sound === 'audited' ? mismatch.earlier : [label, ...mismatch.later];
      output.line(`${place.name}   ${mismatch.pages} pages; wrong from now on: ${wrong.join(', ')}`);
      if (findings.length === 0) await confirmOrStop(output, 'Those count for no retention rule then, and older ones may expire. Go on?');
      const finding = await placeFinding(repository, systemIdentifier, { label, sound, wrong, began, reason, now: clock.now() });
      findings.push({ repository: place.name, finding });
    } finally {
      await repository.store.close();
    }
  }
  if (findings.length === 0) {
    throw new DbadminError('backup-missing', `no audit of a backup ${label} of ${cluster.name} found pages that differ`, {
      hint: 'dbadmin backup list shows which did.',
    });
  }
  if (sound === 'earlier')
    output.line(
      'The next backup is built on one of the earlier ones. Take a full one once the cluster has been mended: dbadmin backup run --type full',
    );
  output.result({ repositories: findings });
  return 0;
}

function soundOption(input: CommandInput): AuditFinding['sound'] {
  const text = textOption(input, 'sound');
  if (text === 'audited' || text === 'earlier') return text;
  throw new DbadminError('usage', 'say which backups have the pages right: --sound audited or --sound earlier', {
    hint: 'audited: the full backup whose audit it was. earlier: those that it was compared with; the cluster itself is wrong, then.',
  });
}
