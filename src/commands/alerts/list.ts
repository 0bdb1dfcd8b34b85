import type { Alert } from '../../alerts/alert.ts';
import { receiversOf, type Receiver } from '../../alerts/receivers.ts';
import { formatDuration } from '../../base/durations.ts';
import { isDbadminError, reasonOf } from '../../base/errors.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { findPolicies, type FoundPolicies } from '../schedule/load-policies.ts';
import { queuedDocument } from './check.ts';
import { loadReceivers } from './load-receivers.ts';
import { checkName, openAlerts, openSharedAlerts } from './look.ts';

/** `dbadmin alerts list`: what is kept, without another look. */
export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock } = context;
  const found = await findPolicies(context, input);
  const { config } = found;
  const stated = textOption(input, 'state');
  const file = openAlerts(context, config, stated);
  const { state, teller, isShared } =
    stated === undefined
      ? await openSharedAlerts(file, config, { name: checkName(), makesTables: false }).read()
      : { state: await file.read(), teller: undefined, isShared: false };
  const { receivers, problem } = findReceivers(found, context);
  const alerts = Object.values(state.alerts).filter(({ phase }) => phase !== 'over');
  const ago = (at: string): string => `${formatDuration(Math.max(0, clock.now().getTime() - Date.parse(at)))} ago`;
  output.line(
    state.lookedAt === null
      ? 'nobody has looked yet: dbadmin alerts check, or a worker'
      : `looked ${ago(state.lookedAt)}${teller === undefined ? '' : `, told by ${teller}`}`,
  );
  if (alerts.length === 0 && state.lookedAt !== null) output.line('nothing is wrong');
  for (const alert of alerts) {
    output.line(`${headOf(context, alert)}  ${alert.cluster === null ? '' : `${alert.cluster}: `}${alert.what}`);
    output.line(
      `        since ${alert.badSince} (${ago(alert.badSince)})${alert.relapses === 0 ? '' : `, came back ${times(alert.relapses)}`}`,
    );
    const told = toldOf(alert, receivers);
    if (alert.phase !== 'waiting' && told !== null)
      output.line(`        told: ${told.length === 0 ? 'nobody wants to know' : told.join(', ')}`);
    output.line(`        next: ${alert.next}`);
  }
  for (const { receiver, message, attempts, nextAt, failure } of state.outbox) {
    output.line(
      `on its way to ${receiver}: ${message.event} ${message.kind}, ${attempts === 0 ? 'not tried yet, to be' : `tried ${times(attempts)}, again`} at ${nextAt}${failure === null ? '' : `: ${failure}`}`,
    );
  }
  if (receivers === undefined) output.warn(`who is told is not known: ${problem}`);
  else if (receivers.length === 0) output.line(`nobody is told: ${found.policies?.file ?? config.paths.policies} has no notify`);
  else {
    output.table(
      ['who is told', 'policy', 'of', 'signed'],
      receivers.map(({ name, policy, on, channel }) => [
        name,
        policy ?? 'all',
        on.join(', '),
        channel.kind === 'webhook' ? (channel.secret === undefined ? 'no' : 'yes') : '',
      ]),
    );
  }
  output.result({
    lookedAt: state.lookedAt,
    alerts: alerts.map((alert) => {
      const { phase, kind, severity, cluster, policy, subject, badSince, since, relapses, what, next } = alert;
      return { phase, kind, severity, cluster, policy, subject, badSince, since, relapses, what, next, told: toldOf(alert, receivers) };
    }),
    waiting: state.outbox.map(queuedDocument),
    receivers:
      receivers?.map(({ name, policy, on, channel }) => ({
        name,
        policy: policy ?? null,
        on,
        signed: channel.kind === 'webhook' && channel.secret !== undefined,
      })) ?? null,
    receiversProblem: receivers === undefined ? problem : null,
    teller: teller ?? null,
    shared: isShared,
    file: file.file,
  });
  return 0;
}

/** Who is told, as the policies have it now; what stands is told without them, too. */
function findReceivers(
  { policies, config, problem }: FoundPolicies,
  { env }: CommandContext,
): { readonly receivers: readonly Receiver[] | undefined; readonly problem: string } {
  if (policies === undefined) return { receivers: undefined, problem: reasonOf(problem) };
  try {
    return { receivers: loadReceivers(policies, config, env), problem: '' };
  } catch (error) {
    if (!isDbadminError(error)) throw error;
    return { receivers: undefined, problem: reasonOf(error) };
  }
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

/** Who was told of it; nobody while it waits to be bad for long enough. Null where it is not known who is told. */
function toldOf(alert: Alert, receivers: readonly Receiver[] | undefined): readonly string[] | null {
  if (alert.phase === 'waiting') return [];
  if (receivers === undefined) return null;
  return receiversOf({ event: 'raised', alert }, receivers);
}

function headOf({ output }: CommandContext, { phase, severity }: Alert): string {
  if (phase === 'waiting') return output.style('dim', 'seen, not told yet');
  if (phase === 'settling') return output.style('dim', 'good again, not over yet');
  return output.style(severity === 'failed' ? 'bad' : 'warn', severity.toUpperCase());
}
