import { formatDuration } from '../../../../base/durations.ts';
import type { Answered } from '../../answer.ts';
import { NextStep } from '../../parts/next-step.tsx';
import { Panel, Status } from '../../parts/panel.tsx';
import { Failed, Loading, sentence } from '../../parts/states.tsx';
import { moment, type Shown } from '../../words.ts';
import type { AlertsDocument } from './documents.ts';

const PHASES = { waiting: 'seen, not told yet', raised: '', settling: 'good again, not over yet' } as const;

/** What is raised now, since when, and who was told. */
export function Alerts({ alerts, shown }: { readonly alerts: Answered<AlertsDocument>; readonly shown: Shown }) {
  const document = alerts.answer?.document;
  if (document === undefined) {
    return (
      <Panel id="alerts" title="Alerts">
        {alerts.failure === undefined ? <Loading what="the alerts" /> : <Failed failure={alerts.failure} again={alerts.again} />}
      </Panel>
    );
  }
  const { lookedAt, alerts: all, waiting, receivers, receiversProblem } = document;
  const raised = all.filter(({ phase }) => phase === 'raised').length;
  return (
    <Panel
      id="alerts"
      title="Alerts"

      aside={lookedAt === null ? 'nobody has looked yet' : `looked ${moment(lookedAt, shown, true)}`}
    >
      {all.length === 0 ? (
        <p class="body">
          {lookedAt === null ? (
            <span class="meta">
              A worker looks once a minute; without one: <code>dbadmin alerts check</code> from cron.
            </span>
          ) : (
            <Status kind="ok">Nothing is raised</Status>
          )}
        </p>
      ) : (
        <ul class="todo">
          {all.map(({ phase, kind, severity, cluster, subject, badSince, relapses, what, next, told }) => (
            <li key={`${kind} ${cluster ?? ''} ${subject ?? ''}`}>
              <Status kind={phase === 'raised' ? (severity === 'failed' ? 'bad' : 'warn') : 'unproven'}>
                {phase === 'raised' ? severity : phase}
              </Status>
              <div>
                <p>
                  {cluster === null ? null : <b>{cluster} · </b>}
                  {sentence(what)}
                </p>
                <p class="meta">
                  Since {moment(badSince, shown, true)} ({formatDuration(Math.max(0, shown.now.getTime() - Date.parse(badSince)))})
                  {PHASES[phase] === '' ? '' : `, ${PHASES[phase]}`}
                  {relapses === 0 ? '' : `, came back ${relapses} times`}
                  {told === null ? '' : told.length === 0 ? ' · told nobody' : ` · told ${told.join(', ')}`}
                </p>
                <NextStep text={next} />
              </div>
            </li>
          ))}
        </ul>
      )}
      {waiting.map(({ receiver, event, kind, attempts, nextAt, failure }) => (
        <p key={`${receiver} ${event} ${kind}`} class="note">
          On its way to {receiver}: {event} {kind}, tried {attempts} times, again {moment(nextAt, shown, true)}
          {failure === null ? '' : `: ${failure}`}
        </p>
      ))}
      <p class="note">
        {receivers === null
          ? `Who is told is not known: ${receiversProblem ?? ''}.`
          : receivers.length === 0
            ? 'Nobody is told: no notify in the policies.'
            : `Told: ${[...new Set(receivers.map(({ name }) => name))].join(', ')}.${raised === 0 ? '' : ` ${raised} raised.`}`}
      </p>
    </Panel>
  );
}
