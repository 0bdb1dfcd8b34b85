import { findClusterToRead } from '../../backup/lineage-inspect.ts';
import { beginningOf, mismatchesOf, type Mismatch } from '../../backup/suspicion.ts';
import { DbadminError } from '../../base/errors.ts';
import { IN_PART } from '../../base/exit-status.ts';
import type { RepositoryConfig } from '../../config/config.ts';
import { newFinding, placeFinding, SOUND, type AuditFinding } from '../../repository/audit-findings.ts';
import { listBackups, type BackupSummary, type UnjudgedPages } from '../../repository/manifest.ts';
import type { Repository } from '../../repository/repository.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { eachResult, inEachRepository } from '../each-repository.ts';
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
    const look = async (place: RepositoryConfig): Promise<Place> => {
      const repository = await openRepository(context, place);
      opened.push(repository);
      const { systemIdentifier } = await findClusterToRead(repository, cluster.name, textOption(input, 'systemIdentifier'));
      return { name: place.name, repository, systemIdentifier, ...(await inspectMismatch(repository, systemIdentifier, label)) };
    };
    const selected = selectRepositories(config, cluster, textOption(input, 'repository'));
    for (const place of selected) places.push(await look(place).catch((error: unknown) => refuseWithout(place, selected, error)));
    const known = places.find(({ found }) => found !== undefined);
    if (known?.found === undefined) {
      throw new DbadminError('backup-missing', `no audit of a backup ${label} of ${cluster.name} found pages that differ`, {
        hint: 'dbadmin backup list shows which did.',
      });
    }
    // Each repository may have backups that the others have not got, and the finding of one comes into all by sync.
    const mine = places.filter(({ systemIdentifier }) => systemIdentifier === known.systemIdentifier);
    const wrong = [...new Set(mine.flatMap(({ found }) => (found?.mismatch === undefined ? [] : wrongOf(found.mismatch, sound))))];
    const names = mine.map(({ name }) => name);
    const found = mine.flatMap((each) => each.found?.mismatch ?? []);
    if (sound !== 'both' && found.length === 0) throw neitherSide(label);
    const consequence = consequenceOf(sound, wrong, found);
    output.line(`${names.join(', ')}   ${[...found.slice(0, 1).map(({ pages }) => `${pages} pages`), consequence.what].join('; ')}`);
    const first = found.find(({ isClusterWrong }) => isClusterWrong) ?? found[0];
    if (first !== undefined) warnOfEmptied(output, first, sound);
    warnOfUnjudged(
      output,
      mine.flatMap((each) => each.found ?? []),
    );
    await confirmOrStop(output, consequence.question);
    const finding = newFinding({ label, sound, wrong, began: beginningOf(known.found.audited), reason, now: clock.now() });
    const outcomes = await inEachRepository(
      context,
      mine,
      (name) => `whether it is written down in ${name} is unknown`,
      async ({ name, repository, systemIdentifier }) => {
        await placeFinding(repository, systemIdentifier, finding);
        return { repository: name, finding };
      },
    );
    if (sound === 'earlier')
      output.line(
        'The next backup is built on one of the earlier ones. Take a full one once the cluster has been mended: dbadmin backup run --type full',
      );
    output.result({ repositories: eachResult(outcomes) });
    return outcomes.every(({ kind }) => kind === 'done') ? 0 : IN_PART;
  } finally {
    for (const { store } of opened) await store.close();
  }
}

interface Place {
  readonly name: string;
  readonly repository: Repository;
  readonly systemIdentifier: string;
  /** The audited backup and what its audit found; undefined where it is not, or its audit found nothing. */
  readonly found: Found | undefined;
}

/** What is so from then on, and what is asked before it. */
function consequenceOf(
  sound: AuditFinding['sound'],
  wrong: readonly string[],
  found: readonly Mismatch[],
): { readonly what: string; readonly question: string } {
  if (sound !== 'both')
    return {
      what: `wrong from now on: ${wrong.join(', ')}`,
      question: 'Those count for no retention rule then, and older ones may expire. Go on?',
    };
  const question = found.length === 0 ? 'Go on?' : 'All of them count for retention again, and older ones may expire. Go on?';
  return { what: 'no backup is wrong', question };
}

/** At least one of both. */
interface Found {
  readonly audited: BackupSummary;
  readonly mismatch: Mismatch | undefined;
  readonly unjudged: UnjudgedPages | undefined;
}

/**
 * A finding names what each repository has that is wrong, and sync brings it into the others. With one that is away it would name too
 * little there, and what it does not name counts as right: so this one waits, or is told which repository it is about.
 */
function refuseWithout({ name }: RepositoryConfig, selected: readonly RepositoryConfig[], error: unknown): never {
  if (selected.length === 1 || !(error instanceof DbadminError) || error.code === 'interrupted') throw error;
  const lines = (...texts: readonly (string | undefined)[]): string => texts.filter((text) => text !== undefined).join('\n');
  throw new DbadminError(error.code, error.message, {
    detail: lines(error.detail, `Nothing was written down anywhere: ${name} may have backups of its own that are wrong.`),
    hint: lines(error.hint, `Say it again when ${name} is there; or of each of the others by itself, with --repository.`),
    cause: error,
  });
}

async function inspectMismatch(repository: Repository, systemIdentifier: string, label: string): Promise<Pick<Place, 'found'>> {
  const backups = await listBackups(repository, systemIdentifier);
  const audited = backups.find((each) => each.label === label);
  const mismatch = mismatchesOf(backups).find(({ audit }) => audit === label);
  const unjudged = audited?.audit?.unjudged;
  const isNothing = audited === undefined || (mismatch === undefined && unjudged === undefined);
  return { found: isNothing ? undefined : { audited, mismatch, unjudged } };
}

/** By pages that nobody could judge no backup is suspect, so that none becomes right or wrong by what is said of them. */
function neitherSide(label: string): DbadminError {
  return new DbadminError(
    'usage',
    `the audit of ${label} found only pages that nobody could judge, of which nothing but --sound both can be said`,
    {
      detail: 'No backup is suspect by them. What is said ends only that they are told of.',
      hint: 'docs/runbooks/backups-differ.md, "Pages that nobody could judge", says how to find out what they are. Once that is known: --sound both.',
    },
  );
}

/** What is said of an audit is said of all that it found, in each repository. */
function warnOfUnjudged(output: CommandContext['output'], found: readonly Found[]): void {
  const open = found.filter(({ unjudged }) => unjudged !== undefined);
  const [{ unjudged } = { unjudged: undefined }] = open;
  if (unjudged === undefined) return;
  const paths = unjudged.causes.flatMap((cause) => cause.paths).slice(0, NAMED_FILES);
  const files = `${paths.join(', ')}${unjudged.files > paths.length ? ` and ${unjudged.files - paths.length} more` : ''}`;
  const compared = [...new Set(open.map(({ audited }) => audited.audit?.comparedWith ?? ''))].join(', ');
  output.warn(
    `from now on nothing tells of the ${unjudged.pages} pages that nobody could judge (${files}): ${compared}, which may have them right, ` +
      'may expire (docs/runbooks/backups-differ.md, "Pages that nobody could judge")',
  );
}

/** Files that are named; more are only counted. */
const NAMED_FILES = 5;

/** Of what was emptied the rows are in the earlier backups alone, unless these kept what VACUUM had cut off. */
function warnOfEmptied(output: CommandContext['output'], { pages, emptied, isClusterWrong }: Mismatch, sound: AuditFinding['sound']): void {
  if (emptied === 0) return;
  const what = `${emptied} of the ${pages} pages ${emptied === 1 ? 'is' : 'are'} all zeros (emptied)`;
  const next = sound === 'earlier' ? 'bring it back first' : `with --sound ${sound} the backups that have it may expire`;
  output.warn(
    `${what}: the cluster ${isClusterWrong ? 'lost' : 'may have lost'} what was there; ${next} (docs/runbooks/backups-differ.md, "A page of zeros")`,
  );
}

function wrongOf({ audit, earlier, later }: Mismatch, sound: AuditFinding['sound']): readonly string[] {
  if (sound === 'both') return [];
  return sound === 'audited' ? earlier : [audit, ...later];
}

function soundOption(input: CommandInput): AuditFinding['sound'] {
  const text = textOption(input, 'sound');
  const sound = SOUND.find((each) => each === text);
  if (sound !== undefined) return sound;
  throw new DbadminError('usage', 'say which backups have the pages right: --sound audited, earlier or both', {
    hint: 'audited: the backup whose audit it was. earlier: those that it was compared with; the cluster itself is wrong, then. both: what differs is no damage.',
  });
}
