import type { AlertEvent } from '../../alerts/alert.ts';
import type { Queued } from '../../alerts/outbox.ts';
import { DbadminError } from '../../base/errors.ts';
import { IN_PART } from '../../base/exit-status.ts';
import { claimJob } from '../../schedule/run.ts';
import { judgeProject } from '../../status/conditions.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { gatherStatus } from '../status/gather.ts';
import { loadStatusProject } from '../status/load.ts';
import { gatherRunHistory } from '../worker/run-history.ts';
import { checkName, lookForAlerts, openAlerts, openSharedAlerts } from './look.ts';

/** `dbadmin alerts check`: one look, and what follows from it. */
export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const project = await loadStatusProject(context, input);
  const { config, policies } = project;
  if (policies === undefined) throw unreadable(config.paths.policies, project.policiesProblem);
  const stated = textOption(input, 'state');
  const file = openAlerts(context, config, stated);
  const store = stated === undefined ? openSharedAlerts(file, config, { name: checkName(), makesTables: false }) : file;
  const release = await claimJob(file.file, 'alerts');
  try {
    const history = await gatherRunHistory(config, policies.jobs);
    const facts = await gatherStatus(context, { ...project, history, everything: false });
    const looked = await lookForAlerts(context, judgeProject(facts), { config, policies, store });
    const { events, delivered, waiting, refused, state, problem, standsByFor } = looked;
    if (problem !== undefined) context.log.warn(problem);
    const raised = Object.values(state.alerts).filter(({ phase }) => phase === 'raised' || phase === 'settling').length;
    for (const { event, alert } of events) {
      const head =
        event === 'raised'
          ? output.style(alert.severity === 'failed' ? 'bad' : 'warn', alert.severity.toUpperCase())
          : output.style('good', 'OVER');
      output.line(`${head}  ${alert.cluster === null ? '' : `${alert.cluster}: `}${alert.what}`);
      if (event === 'raised') output.line(`        next: ${alert.next}`);
    }
    const seen = Object.values(state.alerts).filter(({ phase }) => phase === 'waiting').length;
    if (standsByFor !== undefined) output.line(`told by ${standsByFor}: nothing is told from here`);
    if (events.length === 0) output.line(nothingNew(raised, seen));
    for (const { receiver, message } of delivered) output.line(`told ${receiver}: ${message.event} ${message.kind}`);
    output.result({
      events: events.map(eventDocument),
      delivered: delivered.map(({ receiver, message }) => ({ receiver, kind: message.kind, event: message.event })),
      waiting: waiting.map(queuedDocument),
      refused: refused.map(({ receiver, message, failure }) => ({ receiver, kind: message.kind, event: message.event, failure })),
      raised,
      standsByFor: standsByFor ?? null,
    });
    return standsByFor === undefined && waiting.length + refused.length > 0 ? IN_PART : 0;
  } finally {
    await release();
  }
}

function nothingNew(raised: number, seen: number): string {
  const stand = [...(raised === 0 ? [] : [`${raised} still stand`]), ...(seen === 0 ? [] : [`${seen} seen that must last to be told`])];
  return stand.length === 0 ? 'nothing is wrong' : `nothing new; ${stand.join(', ')} (dbadmin alerts list)`;
}

function unreadable(file: string, problem: string | undefined): DbadminError {
  if (problem === undefined) {
    return new DbadminError('config-missing', `there is no ${file}`, {
      hint: 'It says who is told, under notify, and what the limits are.',
    });
  }
  return new DbadminError('policies-invalid', 'nobody can be told anything', {
    detail: problem,
    hint: 'dbadmin schedule list names every place to correct.',
  });
}

function eventDocument({ event, at, alert }: AlertEvent): object {
  const { kind, severity, cluster, subject, what, next } = alert;
  return { event, kind, severity, cluster, subject, what, next: event === 'over' ? null : next, at };
}

export function queuedDocument({ receiver, message, queuedAt, attempts, nextAt, failure }: Queued): object {
  return { receiver, kind: message.kind, event: message.event, queuedAt, attempts, nextAt, failure };
}
