import path from 'node:path';
import { DbadminError, isDbadminError } from '../../base/errors.ts';
import { writeWholeFile } from '../../base/whole-file.ts';
import { formatMoment } from '../../schedule/recurrence.ts';
import type { Condition } from '../../status/condition.ts';
import { badOnes, judgeProject } from '../../status/conditions.ts';
import { clusterLines, jobLines, promiseLine, type Shown } from '../../status/describe.ts';
import { statusDocument } from '../../status/document.ts';
import type { JobFacts, ProjectFacts } from '../../status/facts.ts';
import { nagiosFailure, nagiosPlugin } from '../../status/nagios.ts';
import { prometheusText } from '../../status/prometheus.ts';
import { flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import type { Output } from '../output.ts';
import { gatherRunHistory } from '../worker/run-history.ts';
import { gatherStatus } from './gather.ts';
import { loadStatusProject } from './load.ts';

const EXIT_WRONG = 2;

/** `dbadmin status`: looks at everything, judges it once, and shows it as asked. */
export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  refuseMixture(context, input);
  if (flagOption(input, 'nagios')) return await runPlugin(context, input);
  const { facts, conditions, localZone } = await look(context, input);
  const status = flagOption(input, 'exitCode') && badOnes(conditions).length > 0 ? EXIT_WRONG : 0;
  if (flagOption(input, 'prometheus')) {
    const text = prometheusText(facts, conditions);
    const file = textOption(input, 'out');
    if (file === undefined) context.output.raw(text);
    else await writeWholeFile(path.resolve(context.cwd, file), text, 0o644);
    return status;
  }
  show(context, facts, conditions, localZone);
  context.output.result(statusDocument(facts, conditions));
  return status;
}

interface Looked {
  readonly facts: ProjectFacts;
  readonly conditions: readonly Condition[];
  readonly localZone: string;
}

async function look(context: CommandContext, input: CommandInput): Promise<Looked> {
  const project = await loadStatusProject(context, input);
  const history = await gatherRunHistory(project.config, project.policies?.jobs ?? []);
  const facts = await gatherStatus(context, { ...project, history, everything: !flagOption(input, 'brief') });
  return { facts, conditions: judgeProject(facts), localZone: project.localZone };
}

/** Whatever happens, a monitoring system gets one of its own answers: a failure of ours is none of them by itself. */
async function runPlugin(context: CommandContext, input: CommandInput): Promise<number> {
  try {
    const { facts, conditions } = await look(context, input);
    const { text, status } = nagiosPlugin(facts, conditions);
    context.output.raw(text);
    return status;
  } catch (error) {
    if (!isDbadminError(error) || error.code === 'interrupted') throw error;
    const { text, status } = nagiosFailure(error.detail === undefined ? error.message : `${error.message}: ${error.detail}`);
    context.output.raw(text);
    return status;
  }
}

function refuseMixture({ output }: CommandContext, input: CommandInput): void {
  const forms = [...['nagios', 'prometheus'].filter((name) => flagOption(input, name)), ...(output.json ? ['json'] : [])];
  if (forms.length > 1) throw new DbadminError('usage', `status is printed in one form: --${forms.join(' or --')}`);
  if (textOption(input, 'out') !== undefined && !flagOption(input, 'prometheus')) {
    throw new DbadminError('usage', '--out goes with --prometheus');
  }
}

function show({ output }: CommandContext, facts: ProjectFacts, conditions: readonly Condition[], timeZone: string): void {
  const shown: Shown = { now: facts.at, timeZone, full: (moment) => formatMoment(moment, timeZone) };
  for (const [index, cluster] of facts.clusters.entries()) {
    if (index > 0) output.line();
    output.line(output.style('bold', promiseLine(cluster, shown)));
    showLines(output, clusterLines(cluster, jobsOf(facts, cluster.name), shown));
  }
  const others = facts.jobs.filter((job) => job.cluster === undefined);
  if (others.length > 0) showLines(output, jobLines(others, shown));
  const bad = badOnes(conditions);
  if (bad.length === 0) return;
  output.line();
  for (const { severity, cluster, what, next } of bad) {
    output.line(
      `${output.style(severity === 'failed' ? 'bad' : 'warn', severity.toUpperCase().padEnd(6))}  ${cluster === undefined ? '' : `${cluster}: `}${what}`,
    );
    for (const line of next.split('\n')) output.line(`        next: ${line}`);
  }
}

function jobsOf({ jobs }: ProjectFacts, cluster: string): readonly JobFacts[] {
  return jobs.filter((job) => job.cluster === cluster);
}

const LABEL_WIDTH = 13;

function showLines(output: Output, lines: readonly (readonly [string, string])[]): void {
  for (const [label, text] of lines) output.line(`  ${label.padEnd(LABEL_WIDTH)}${text}`);
}
