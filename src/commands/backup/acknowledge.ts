import { findCluster } from '../../backup/lineage-inspect.ts';
import { beginningOf, mismatchesOf, type Mismatch } from '../../backup/suspicion.ts';
import { DbadminError } from '../../base/errors.ts';
import { newFinding, placeFinding, type AuditFinding } from '../../repository/audit-findings.ts';
import { listBackups, type BackupSummary } from '../../repository/manifest.ts';
import type { Repository } from '../../repository/repository.ts';
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
  const opened: Repository[] = [];
  try {
    const places: Place[] = [];
    for (const place of selectRepositories(config, cluster, textOption(input, 'repository'))) {
      const repository = await openRepository(context, place);
      opened.push(repository);
      const { systemIdentifier } = await findCluster(repository, cluster.name, textOption(input, 'systemIdentifier'));
      places.push({ name: place.name, repository, systemIdentifier, ...(await inspectMismatch(repository, systemIdentifier, label)) });
    }
    const known = places.find(({ found }) => found !== undefined);
    if (known?.found === undefined) {
      throw new DbadminError('backup-missing', `no audit of a backup ${label} of ${cluster.name} found pages that differ`, {
        hint: 'dbadmin backup list shows which did.',
      });
    }
    // Each repository may have backups that the others have not got, and the finding of one comes into all by sync.
    const mine = places.filter(({ systemIdentifier }) => systemIdentifier === known.systemIdentifier);
    const wrong = [...new Set(mine.flatMap(({ found }) => (found === undefined ? [] : wrongOf(found.mismatch, sound))))];
    const names = mine.map(({ name }) => name);
    output.line(`${names.join(', ')}   ${known.found.mismatch.pages} pages; wrong from now on: ${wrong.join(', ')}`);
    await confirmOrStop(output, 'Those count for no retention rule then, and older ones may expire. Go on?');
    const finding = newFinding({ label, sound, wrong, began: beginningOf(known.found.audited), reason, now: clock.now() });
    for (const { repository, systemIdentifier } of mine) await placeFinding(repository, systemIdentifier, finding);
    if (sound === 'earlier')
      output.line(
        'The next backup is built on one of the earlier ones. Take a full one once the cluster has been mended: dbadmin backup run --type full',
      );
    output.result({ repositories: names.map((repository) => ({ repository, finding })) });
    return 0;
  } finally {
    for (const { store } of opened) await store.close();
  }
}

interface Place {
  readonly name: string;
  readonly repository: Repository;
  readonly systemIdentifier: string;
  /** The audited backup and what its audit found; undefined where it is not. */
  readonly found: { readonly audited: BackupSummary; readonly mismatch: Mismatch } | undefined;
}

async function inspectMismatch(repository: Repository, systemIdentifier: string, label: string): Promise<Pick<Place, 'found'>> {
  const backups = await listBackups(repository, systemIdentifier);
  const audited = backups.find((each) => each.label === label);
  const mismatch = mismatchesOf(backups).find(({ audit }) => audit === label);
  return { found: audited === undefined || mismatch === undefined ? undefined : { audited, mismatch } };
}

function wrongOf({ audit, earlier, later }: Mismatch, sound: AuditFinding['sound']): readonly string[] {
  return sound === 'audited' ? earlier : [audit, ...later];
}

function soundOption(input: CommandInput): AuditFinding['sound'] {
  const text = textOption(input, 'sound');
  if (text === 'audited' || text === 'earlier') return text;
  throw new DbadminError('usage', 'say which backups have the pages right: --sound audited or --sound earlier', {
    hint: 'audited: the full backup whose audit it was. earlier: those that it was compared with; the cluster itself is wrong, then.',
  });
}
