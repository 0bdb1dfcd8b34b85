import type { Answers, Document } from '../../console/answers.ts';
import { readAudit } from '../../console/audit-apply.ts';
import { LagHistory, type Lag } from '../../console/lag-history.ts';
import { formatMoment } from '../../schedule/recurrence.ts';
import { judgeProject } from '../../status/conditions.ts';
import { describeLoss } from '../../status/describe.ts';
import { statusDocument } from '../../status/document.ts';
import type { ProjectFacts } from '../../status/facts.ts';
import { hostLoss, walLag } from '../../status/promise.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { gatherStatus } from '../status/gather.ts';
import { loadStatusProject, type StatusProject } from '../status/load.ts';
import { gatherRunHistory } from '../worker/run-history.ts';

/** The size of repositories, migrations and roles cost more to look at, and change slowly. */
const EVERYTHING_EACH_MS = 60_000;

/** What the screens show, from the functions behind the commands; files of the project are read anew for each look. */
export async function gatherAnswers(context: CommandContext, input: CommandInput, auditFile: string): Promise<Answers> {
  const first = await loadStatusProject(context, input);
  // What there is to warn of was said when it started.
  const quiet: CommandContext = { ...context, log: { ...context.log, warn: () => undefined }, access: 'reading' };
  let earlier: ProjectFacts | undefined;
  const lags = new LagHistory();
  return {
    project: { version: context.version, timeZone: first.localZone, directory: first.config.directory },
    status: async () => {
      const project = await loadStatusProject(quiet, input);
      const now = context.clock.now().getTime();
      const everything = earlier === undefined || now - earlier.at.getTime() >= EVERYTHING_EACH_MS;
      const facts = await look(quiet, project, everything, earlier);
      if (everything) earlier = facts;
      lags.add(facts.at, lagsOf(facts));
      return statusAnswer(facts, project.localZone);
    },
    audit: async () => await readAudit(auditFile),
    lags: () => lags.series(),
  };
}

function lagsOf({ at, clusters }: ProjectFacts): readonly Lag[] {
  return clusters.flatMap(({ name, server, repositories }) =>
    repositories.flatMap((repository) => {
      const lag = walLag(repository, server, at);
      return lag === undefined ? [] : [{ cluster: name, repository: repository.name, lagMs: lag.spanMs ?? null }];
    }),
  );
}

async function look(
  context: CommandContext,
  project: StatusProject,
  everything: boolean,
  earlier: ProjectFacts | undefined,
): Promise<ProjectFacts> {
  const history = await gatherRunHistory(project.config, project.policies?.jobs ?? []);
  return await gatherStatus(context, { ...project, history, everything, earlier });
}

/** The document of `dbadmin status --json`, and its first line for each cluster in words. */
function statusAnswer(facts: ProjectFacts, timeZone: string): Document {
  const shown = { now: facts.at, timeZone, full: (moment: Date) => formatMoment(moment, timeZone) };
  return {
    status: statusDocument(facts, judgeProject(facts)),
    promises: Object.fromEntries(facts.clusters.map((cluster) => [cluster.name, describeLoss(hostLoss(cluster, facts.at), shown)])),
  };
}
