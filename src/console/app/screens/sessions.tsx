import { useEffect, useState } from 'preact/hooks';
import { formatDuration } from '../../../base/durations.ts';
import { ask, failureOf, type Failure } from '../api.ts';
import { Panel, Status } from '../parts/panel.tsx';
import { Failed, Loading } from '../parts/states.tsx';
import type { ScreenProps } from '../screen.ts';
import { counted, moment, type Shown } from '../words.ts';

interface OwnSession {
  readonly id: string;
  readonly from: string;
  readonly device: string;
  readonly by: 'password' | 'provider' | 'link';
  readonly beganAt: string;
  readonly usedAt: string;
  readonly endsAt: string;
  readonly isThis: boolean;
}

const EACH_MS = 15_000;
const DOORS = { password: 'password', provider: 'single sign-on', link: 'start link' } as const;

/** Where whoever looks is signed in, and a way out of each. */
export function Sessions({ session }: ScreenProps) {
  const [found, setFound] = useState<{ readonly at: Date; readonly sessions: readonly OwnSession[] }>();
  const [failure, setFailure] = useState<Failure>();
  const look = async (): Promise<void> => {
    try {
      const { sessions } = await ask<{ readonly sessions: readonly OwnSession[] }>('/api/sessions');
      setFound({ at: new Date(), sessions });
      setFailure(undefined);
    } catch (error) {
      setFailure(failureOf(error));
    }
  };
  const end = async (which: { readonly id: string } | { readonly others: true }): Promise<void> => {
    try {
      await ask('/api/sessions/end', which, session.csrf);
    } catch (error) {
      setFailure(failureOf(error));
      return;
    }
    await look();
  };
  useEffect(() => {
    void look();
    const timer = setInterval(() => void look(), EACH_MS);
    return () => clearInterval(timer);
  }, []);
  const others = found?.sessions.filter(({ isThis }) => !isThis).length ?? 0;
  return (
    <>
      <div class="page">
        <div>
          <h1>Your sessions</h1>
          <p class="meta">Where {session.user} is signed in to this console; a session ends by itself when nobody uses it for a while</p>
        </div>
        {others === 0 ? null : (
          <div class="controls">
            <button type="button" class="btn danger" onClick={() => void end({ others: true })}>
              End the {counted(others, 'other session')}
            </button>
          </div>
        )}
      </div>
      <div class="stackv">
        {failure === undefined ? null : <Failed failure={failure} again={() => void look()} />}
        {found === undefined ? (
          failure === undefined ? (
            <Loading what="your sessions" />
          ) : null
        ) : (
          <Panel id="sessions" title="Signed in" aside={counted(found.sessions.length, 'session')}>
            <SessionTable
              sessions={found.sessions}
              shown={{ now: found.at, timeZone: session.project.timeZone }}
              onEnd={(id) => void end({ id })}
            />
          </Panel>
        )}
      </div>
    </>
  );
}

function SessionTable({
  sessions,
  shown,
  onEnd,
}: {
  readonly sessions: readonly OwnSession[];
  readonly shown: Shown;
  readonly onEnd: (id: string) => void;
}) {
  const ago = (at: string): string => `${formatDuration(Math.max(0, shown.now.getTime() - Date.parse(at)))} ago`;
  return (
    <table class="stackt">
      <thead>
        <tr>
          <th>Browser</th>
          <th>From</th>
          <th>By</th>
          <th>Since</th>
          <th>Last used</th>
          <th>Ends at the latest</th>
          <th>
            <span class="vh">End it</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {sessions.map(({ id, device, from, by, beganAt, usedAt, endsAt, isThis }) => (
          <tr key={id}>
            <th scope="row">
              {device} {isThis ? <Status kind="ok">this one</Status> : null}
            </th>
            <td data-l="from">{from}</td>
            <td data-l="by">{DOORS[by]}</td>
            <td class="nowrap" data-l="since">
              {moment(beganAt, shown)}
            </td>
            <td class="nowrap" data-l="last used">
              {isThis ? 'now' : ago(usedAt)}
            </td>
            <td class="nowrap" data-l="ends">
              {moment(endsAt, shown)}
            </td>
            <td class="num">
              {isThis ? null : (
                <button type="button" class="btn" aria-label={`End the session of ${device} from ${from}`} onClick={() => onEnd(id)}>
                  End
                </button>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
