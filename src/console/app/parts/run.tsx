import { useEffect, useRef, useState } from 'preact/hooks';
import { formatDuration } from '../../../base/durations.ts';
import { ask, failureOf, type Failure, type Run, type RunLine, type Session } from '../api.ts';
import { useReturns } from '../presence.ts';
import { clock } from '../words.ts';
import { LogText } from './log-text.tsx';
import { Status } from './panel.tsx';
import { sentence } from './states.tsx';

/** So many lines are on the page at most: more cannot be drawn as fast as a talkative command prints. */
const MOST_LINES = 1000;
/** What comes within this time is drawn at once. */
const DRAW_MS = 150;

const STATES = {
  running: ['run', 'running'],
  done: ['ok', 'done'],
  partly: ['warn', 'done in part'],
  failed: ['bad', 'failed'],
  stopped: ['off', 'stopped'],
} as const;

interface Watched {
  readonly run: Run | undefined;
  readonly lines: readonly RunLine[];
  readonly failure: Failure | undefined;
}

/** What a run prints, from its beginning, as it comes; undefined for none. */
export function useRun(id: string | undefined): Watched {
  const [watched, setWatched] = useState<Watched>({ run: undefined, lines: [], failure: undefined });
  const returns = useReturns();
  useEffect(() => {
    setWatched({ run: undefined, lines: [], failure: undefined });
    if (id === undefined) return undefined;
    let isGone = false;
    ask<Run>(`/api/runs/${id}`).then(
      (run) => void (isGone || setWatched((before) => ({ ...before, run: before.run ?? run }))),
      (error: unknown) => void (isGone || setWatched((before) => ({ ...before, failure: failureOf(error) }))),
    );
    const events = new EventSource(`/api/runs/${id}/events`);
    let waiting: readonly RunLine[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const draw = (): void => {
      clearTimeout(timer);
      timer = undefined;
      const lines = waiting;
      waiting = [];
      if (lines.length > 0) setWatched((before) => ({ ...before, failure: undefined, lines: joined(before.lines, lines) }));
    };
    events.addEventListener('lines', ({ data }: MessageEvent<string>) => {
      waiting = [...waiting, ...(JSON.parse(data) as readonly RunLine[])].slice(-MOST_LINES);
      timer ??= setTimeout(draw, DRAW_MS);
    });
    events.addEventListener('end', ({ data }: MessageEvent<string>) => {
      draw();
      setWatched((before) => ({ ...before, failure: undefined, run: JSON.parse(data) as Run }));
      // It would be opened again, and tell the same.
      events.close();
    });
    events.addEventListener('signed-out', () => events.close());
    return () => {
      isGone = true;
      clearTimeout(timer);
      events.close();
    };
  }, [id, returns]);
  return watched;
}

/** A connection that broke off goes on where it was; whatever comes twice counts once. */
function joined(before: readonly RunLine[], lines: readonly RunLine[]): readonly RunLine[] {
  const last = before.at(-1)?.number ?? 0;
  return [...before, ...lines.filter(({ number }) => number > last)].slice(-MOST_LINES);
}

interface RunViewProps {
  readonly id: string;
  readonly session: Session;
  /** Called once, when it is over. */
  readonly onEnd?: (run: Run) => void;
}

/** A run as it goes: its state, what it prints, and a way to stop it. */
export function RunView({ id, session, onEnd }: RunViewProps) {
  const { run, lines, failure } = useRun(id);
  const isOver = run !== undefined && run.state !== 'running';
  useEffect(() => {
    if (isOver) onEnd?.(run);
  }, [isOver]);
  return (
    <div class="run-view">
      <div class="bar" role="status">
        <RunState run={run} />
        {run?.detail == null ? null : <span class="wraps">{sentence(run.detail)}</span>}
        {failure === undefined ? null : <Status kind="bad">{sentence(failure.message)}</Status>}
      </div>
      <LogLines lines={lines} timeZone={session.project.timeZone} isOver={isOver} />
      {run?.state === 'running' ? <Stop id={id} session={session} /> : null}
    </div>
  );
}

/** How it stands, with how long it has gone on or took. */
export function RunState({ run }: { readonly run: Run | undefined }) {
  const [, setTick] = useState(0);
  const isRunning = run?.state === 'running';
  useEffect(() => {
    if (!isRunning) return undefined;
    const timer = setInterval(() => setTick((tick) => tick + 1), 1000);
    return () => clearInterval(timer);
  }, [isRunning]);
  if (run === undefined) return <Status kind="run">starting</Status>;
  const [kind, word] = STATES[run.state];
  const untilMs = run.endedAt === null ? Date.now() : new Date(run.endedAt).getTime();
  return (
    <>
      <Status kind={kind}>{word}</Status>
      <span class="meta">
        {isRunning ? 'for' : 'after'} {formatDuration(Math.max(0, untilMs - new Date(run.startedAt).getTime()))}
        {run.exitStatus === null || run.exitStatus === 0 ? null : `, exit status ${run.exitStatus}`}
      </span>
    </>
  );
}

/** Lines of a log with their times. Follows the end while the end is in view. */
export function LogLines({
  lines,
  timeZone,
  isOver,
}: {
  readonly lines: readonly RunLine[];
  readonly timeZone: string;
  readonly isOver: boolean;
}) {
  const box = useRef<HTMLOListElement>(null);
  const follows = useRef(true);
  useEffect(() => {
    if (follows.current && box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  }, [lines]);
  const onScroll = ({ currentTarget }: Event): void => {
    if (!(currentTarget instanceof HTMLElement)) return;
    const { scrollHeight, scrollTop, clientHeight } = currentTarget;
    follows.current = scrollHeight - scrollTop - clientHeight < 24;
  };
  const first = lines[0]?.number ?? 1;
  return (
    <ol class="log" ref={box} tabIndex={0} aria-label="What it prints" aria-live={isOver ? 'off' : 'polite'} onScroll={onScroll}>
      {first === 1 ? null : (
        <li key={0}>
          <span />
          <span class="meta">{first - 1} earlier lines are not kept</span>
        </li>
      )}
      {lines.length > 0 ? null : (
        <li key={-1}>
          <span />
          <span class="meta">{isOver ? 'It printed nothing.' : 'It has printed nothing yet.'}</span>
        </li>
      )}
      {lines.map(({ number, at, text }) => (
        <li key={number} class={toneOf(text)}>
          <time dateTime={at}>{clock(new Date(at), timeZone)[1].split(' ', 1)[0]}</time>
          <LogText text={text} />
        </li>
      ))}
    </ol>
  );
}

function toneOf(text: string): string | undefined {
  if (text.startsWith('error:')) return 'bad';
  return text.startsWith('warning:') ? 'warn' : undefined;
}

function Stop({ id, session }: { readonly id: string; readonly session: Session }) {
  const [isAsked, setAsked] = useState(false);
  const [failure, setFailure] = useState<Failure>();
  const stop = async (): Promise<void> => {
    setAsked(true);
    try {
      await ask<Run>(`/api/runs/${id}/stop`, {}, session.csrf);
    } catch (error) {
      setFailure(failureOf(error));
      setAsked(false);
    }
  };
  if (session.role !== 'operator') return null;
  return (
    <p class="bar">
      <button type="button" class="btn" disabled={isAsked} onClick={() => void stop()}>
        {isAsked ? 'Asked to stop' : 'Stop it'}
      </button>
      {isAsked ? <span class="meta">It finishes what must be finished first.</span> : null}
      {failure === undefined ? null : <Status kind="bad">{sentence(failure.message)}</Status>}
    </p>
  );
}
