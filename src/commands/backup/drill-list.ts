import { formatDuration } from '../../base/durations.ts';
import { DbadminError } from '../../base/errors.ts';
import { IN_PART } from '../../base/exit-status.ts';
import { readDrills, type StoredDrill } from '../../backup/drill/record.ts';
import { isDrillReport } from '../../backup/drill/report-shape.ts';
import type { DrillReport } from '../../backup/drill/report.ts';
import { checkSignature, fingerprintOf, readSigned } from '../../backup/drill/signature.ts';
import { formatMoment } from '../../backup/restore/target.ts';
import { textOption, wholeNumberOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { openRepository, selectRepository } from '../open-repository.ts';
import { ownLineage } from '../own-lineage.ts';
import { readStored, trustedKeys } from './drill-report.ts';
import { printDrill } from './show-drill.ts';

const NEWEST = 50;
const MOST = 1000;

/** `backup drill --list`: the drills there were. */
export async function listDrills(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const limit = wholeNumberOption(input, 'limit', 1, MOST) ?? NEWEST;
  const { config, cluster } = await loadProject(context, input);
  const place = selectRepository(config, cluster, textOption(input, 'repository'));
  const repository = await openRepository(context, place);
  try {
    const { systemIdentifier } = await ownLineage(input, cluster, repository);
    const { drills, total } = await readDrills(repository, systemIdentifier, limit);
    if (total === 0)
      output.line(
        `no drill of ${cluster.name} in ${place.name} yet: nothing has ever been restored to see whether it can be (dbadmin backup drill)`,
      );
    else output.table(['drill', 'ended', 'verdict', 'backup', { head: 'back in', align: 'right' }, 'why not'], drills.map(rowOf));
    if (total > drills.length) output.line(`… and ${total - drills.length} older (--limit)`);
    output.result({ repository: place.name, total, drills: drills.map(drillJson) });
    return 0;
  } finally {
    await repository.store.close();
  }
}

function rowOf({ header, signed }: StoredDrill): readonly string[] {
  const report = signed?.report as DrillReport | undefined;
  const rtoMs = report?.times.rtoMs ?? null;
  const why = report === undefined ? 'the report cannot be read' : [...report.failures, ...report.weaknesses].join('\n');
  return [
    header.label,
    formatMoment(new Date(header.finishedAt)),
    header.verdict,
    header.backup ?? '',
    rtoMs === null ? '' : formatDuration(rtoMs),
    why,
  ];
}

/** Every key is there; null where the report cannot be read. */
function drillJson({ header: { label, verdict, backup, finishedAt }, signed }: StoredDrill): object {
  const report = signed?.report as DrillReport | undefined;
  return {
    label,
    verdict,
    backup,
    finishedAt,
    startedAt: report?.startedAt ?? null,
    asked: report?.target.asked ?? null,
    moment: report?.target.moment ?? null,
    serverVersion: report?.plan?.serverVersion ?? null,
    plainBytes: report?.plan?.plainBytes ?? null,
    walBytes: report?.plan?.walBytes ?? null,
    reachedLsn: report?.reached?.lsn ?? null,
    amcheck: report?.amcheck.state ?? null,
    assertions:
      report === undefined ? null : { held: report.assertions.filter(({ holds }) => holds).length, asked: report.assertions.length },
    times: report?.times ?? null,
    failures: report?.failures ?? null,
    weaknesses: report?.weaknesses ?? null,
    fingerprint: signed === undefined ? null : fingerprintOf(signed.signature.publicKey),
  };
}

/** `backup drill --show LABEL`: one report as it was signed, and what its signature says. */
export async function showDrill(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const label = textOption(input, 'show') ?? '';
  const signed = readSigned(await readStored(context, input, label));
  if (signed === undefined || !isDrillReport(signed.report))
    throw new DbadminError('repository-damaged', `the report ${label} is not a signed report`);
  const state = checkSignature(signed, await trustedKeys(context, input));
  printDrill(output, signed.report, signed.signature.publicKey);
  if (state.kind === 'valid') output.line(`${output.style('good', 'as signed')}  by a key that is known here`);
  if (state.kind === 'unknown-key')
    output.line(`${output.style('warn', 'as signed')}  by a key that is not known here: ${state.fingerprint}`);
  if (state.kind === 'invalid') output.line(`${output.style('bad', 'changed')}    ${state.reason}`);
  const { fingerprint, reason } = { fingerprint: null, reason: null, ...state };
  output.result({ ...signed, signed: { kind: state.kind, fingerprint, reason } });
  return state.kind === 'invalid' ? IN_PART : 0;
}
