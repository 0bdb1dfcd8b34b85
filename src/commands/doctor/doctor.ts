import { statfs } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { isDbadminError } from '../../base/errors.ts';
import type { Config } from '../../config/config.ts';
import { fine, remark, unknown, wrong, type Area, type Examined } from '../../doctor/examined.ts';
import { inspectFiles, inspectLeftovers } from '../../doctor/machine-inspect.ts';
import { judgeFile, judgeMachine } from '../../doctor/machine.ts';
import { badOnes, judgeProject } from '../../status/conditions.ts';
import type { ProjectFacts } from '../../status/facts.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { scratchPlaces } from '../scratch-places.ts';
import { gatherStatus } from '../status/gather.ts';
import { loadStatusProject, type StatusProject } from '../status/load.ts';
import { gatherRunHistory } from '../worker/run-history.ts';
import { examineSchedule } from './examine-schedule.ts';
import { examineCluster } from './gather-cluster.ts';

const EXIT_WRONG = 2;
/** A run may take its time; a directory this old was left. */
const LEFT_MS = 24 * 3_600_000;
const MARKS = { fine: ['good', 'fine'], note: ['warn', 'note'], wrong: ['bad', 'WRONG'], unknown: ['dim', 'unknown'] } as const;
const AREAS: readonly Area[] = ['machine', 'configuration', 'server', 'repository', 'project', 'schedule'];
/** What the checks of servers and repositories tell better: these are not told twice. */
const TOLD_ELSEWHERE = new Set([
  'server-away',
  'repository-away',
  'backup-late',
  'drill-failed',
  'drill-late',
  'verification-failed',
  'slot-abandoned',
]);

/** `dbadmin doctor`: everything that would fail later, looked at now. What is away or missing is a finding, never the end. */
export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const found: Examined[] = [...(await examineMachine(context, input))];
  const project = await loadOrTell(context, input, found);
  if (project !== undefined) {
    found.push(...(await examineConfiguration(context, project.config)));
    for (const cluster of project.clusters) {
      const own = [...(project.policies?.policies.values() ?? [])].filter((policy) => policy.cluster === cluster.name);
      const dumps = project.policies?.jobs.some(({ work }) => work.kind === 'dump' && work.cluster === cluster.name) === true;
      found.push(...(await examineCluster(context, project.config, cluster, { policies: own, dumps })));
    }
    found.push(...(await examineProject(context, project)), ...(await examineSchedule(context, project)));
  }
  const sorted = AREAS.flatMap((area) => found.filter((each) => each.area === area));
  show(context, sorted);
  const count = (state: Examined['state']): number => sorted.filter((each) => each.state === state).length;
  output.result({ wrong: count('wrong'), notes: count('note'), unknown: count('unknown'), fine: count('fine'), findings: sorted });
  return count('wrong') > 0 ? EXIT_WRONG : 0;
}

async function loadOrTell(context: CommandContext, input: CommandInput, found: Examined[]): Promise<StatusProject | undefined> {
  try {
    const quiet = { ...context, log: { ...context.log, warn: () => undefined } };
    return await loadStatusProject(quiet, input);
  } catch (error) {
    if (!isDbadminError(error) || error.code === 'usage' || error.code === 'interrupted') throw error;
    const detail = error.detail === undefined ? error.message : `${error.message}. ${error.detail}`;
    found.push(
      wrong(
        'configuration',
        'dbadmin.yaml',
        detail,
        'no command knows where the cluster and its backups are',
        error.hint ?? 'dbadmin init',
      ),
    );
    return undefined;
  }
}

async function examineMachine(context: CommandContext, input: CommandInput): Promise<readonly Examined[]> {
  const places = scratchPlaces(context, input);
  const room = await Promise.all(
    places.map(async (place) => {
      const stats = await statfs(place).catch(() => undefined);
      return stats === undefined ? [] : [{ place, freeBytes: stats.bavail * stats.bsize }];
    }),
  );
  return judgeMachine(process.version, room.flat(), await inspectLeftovers(places, context.clock.now(), LEFT_MS));
}

async function examineConfiguration(context: CommandContext, config: Config): Promise<readonly Examined[]> {
  const { file, paths, warnings } = config;
  const found: Examined[] = warnings.map((warning) =>
    wrong('configuration', 'warning', warning, 'it is unwise or was ignored', 'change that place'),
  );
  if (file === undefined)
    found.push(
      remark(
        'configuration',
        'dbadmin.yaml',
        'none: the connection is that of --url or the environment',
        'there are no repositories, and so no backups',
        'dbadmin init',
      ),
    );
  const files = [...(file === undefined ? [] : [file]), paths.policies, paths.roles];
  for (const each of await inspectFiles(files)) found.push(judgeFile(each, false, process.getuid?.()));
  const keys = [...config.repositories.values()].flatMap(({ encryption }) => (encryption.kind === 'key-file' ? [encryption.path] : []));
  for (const each of await inspectFiles(keys)) found.push(judgeFile(each, true, process.getuid?.()));
  const passwords = context.env['PGPASSFILE'] ?? path.join(context.env['HOME'] ?? os.homedir(), '.pgpass');
  for (const each of await inspectFiles([passwords])) if (each.mode !== undefined) found.push(judgeFile(each, true, process.getuid?.()));
  for (const { name, encryption } of config.repositories.values()) {
    if (encryption.kind !== 'passphrase') continue;
    const what = `passphrase of repository ${name}`;
    try {
      found.push(
        encryption.passphrase.reveal() === ''
          ? wrong('configuration', what, 'is empty', 'the repository cannot be opened', 'give one')
          : fine('configuration', what, 'can be had'),
      );
    } catch (error) {
      if (!isDbadminError(error)) throw error;
      found.push(
        wrong(
          'configuration',
          what,
          error.message,
          'the repository cannot be opened: neither backup nor restore',
          error.detail ?? 'set it, or say elsewhere where it is',
        ),
      );
    }
  }
  return found;
}

/** Migrations, roles, the schedule, and what status finds bad. */
async function examineProject(context: CommandContext, project: StatusProject): Promise<readonly Examined[]> {
  const history = await gatherRunHistory(project.config, project.policies?.jobs ?? []);
  const facts = await gatherStatus(context, { ...project, history, everything: true });
  const bad = badOnes(judgeProject(facts)).filter(({ kind }) => !TOLD_ELSEWHERE.has(kind));
  return [
    ...examineFacts(facts),
    ...bad.map((each) =>
      wrong(
        each.kind.startsWith('job-') || each.kind === 'policies-unreadable' || each.kind === 'control-away' ? 'schedule' : 'project',
        [each.cluster, each.kind].filter((word) => word !== undefined).join(' '),
        each.what,
        'dbadmin status and its alerts tell of it',
        each.next,
      ),
    ),
    ...(bad.some(({ kind }) => kind.startsWith('job-')) ? [] : [fine('schedule', 'jobs', `${facts.jobs.length}, none overdue or failed`)]),
  ];
}

function examineFacts({ clusters }: ProjectFacts): readonly Examined[] {
  return clusters.flatMap(({ name, migrations, roles }): readonly Examined[] => [
    ...(migrations === undefined
      ? []
      : migrations.kind === 'unknown'
        ? [unknown('project', `${name} migrations`, migrations.why)]
        : [
            migrations.value.problems > 0
              ? wrong(
                  'project',
                  `${name} migrations`,
                  migrations.value.problems === 1
                    ? '1 applied file was changed or is gone'
                    : `${migrations.value.problems} applied files were changed or are gone`,
                  'the next environment gets another database',
                  'dbadmin migrate validate',
                )
              : migrations.value.pending + migrations.value.routines > 0
                ? remark(
                    'project',
                    `${name} migrations`,
                    `${migrations.value.pending} pending, ${migrations.value.routines} routines to apply`,
                    'the database is behind its files',
                    'dbadmin migrate plan',
                  )
                : fine('project', `${name} migrations`, `${migrations.value.applied} applied, none pending`),
          ]),
    ...(roles === undefined
      ? []
      : roles.kind === 'unknown'
        ? [unknown('project', `${name} roles`, roles.why)]
        : [
            roles.value.drift > 0
              ? wrong(
                  'project',
                  `${name} roles`,
                  `${roles.value.drift} changes away from roles.yaml`,
                  'somebody may do more or less than the file says',
                  'dbadmin roles plan',
                )
              : fine('project', `${name} roles`, 'in sync'),
          ]),
  ]);
}

function show({ output }: CommandContext, found: readonly Examined[]): void {
  let area: Area | undefined;
  for (const each of found) {
    if (each.area !== area) output.line(`${area === undefined ? '' : '\n'}${output.style('bold', each.area)}`);
    ({ area } = each);
    const [style, mark] = MARKS[each.state];
    output.line(`  ${output.style(style, mark.padEnd(7))}  ${each.what}: ${each.detail.replaceAll('\n', '\n             ')}`);
    if (each.state === 'fine') continue;
    if (each.why !== undefined) output.line(`           why: ${each.why}`);
    if (each.fix !== undefined) output.line(`           fix: ${each.fix.replaceAll('\n', '\n                ')}`);
  }
  const wrongs = found.filter(({ state }) => state === 'wrong').length;
  output.line(`\n${wrongs === 0 ? 'nothing wrong' : `${wrongs} thing${wrongs === 1 ? '' : 's'} wrong`}, ${found.length} looked at`);
}
