import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ask, failureOf, type Failure, type Run, type Session } from '../api.ts';
import type { Values } from '../answer.ts';
import { clock } from '../words.ts';
import { Command } from './command.tsx';
import { RunView } from './run.tsx';
import { Failed, Loading } from './states.tsx';

/** What an action would do, as the console says it. */
interface Review<Plan> {
  readonly id: string;
  readonly command: string;
  readonly plan: Plan | null;
  /** Of the command that planned: 2 where it found something to do, 0 where not, as far as it tells. */
  readonly planExitStatus: number | null;
  readonly expiresAt: string;
}

export interface ActProps<Plan> {
  readonly session: Session;
  /** `roles/apply`, of src/commands/console/actions. */
  readonly action: string;
  readonly parameters: Values;
  /** What it does, without the dots: `Apply`. */
  readonly label: string;
  /** What the plan says; without it the command alone is shown. */
  readonly review?: (plan: Plan, planExitStatus: number | null) => ComponentChildren;
  /** False when the plan shows that there is nothing to do: then it cannot be run. */
  readonly isNeeded?: (plan: Plan, planExitStatus: number | null) => boolean;
  readonly isPrimary?: boolean;
  /** False while what it needs is not stated, or not so that it could be done: then it cannot be pressed. */
  readonly isReady?: boolean;
  /** Said beside the buttons: what cannot be undone, what it costs. */
  readonly note?: ComponentChildren;
  /** Called when a run of it is over: what it changed is asked anew. */
  readonly onEnd?: (run: Run) => void;
}

type Step<Plan> =
  | { readonly kind: 'reviewing' }
  | { readonly kind: 'failed'; readonly failure: Failure }
  | { readonly kind: 'reviewed'; readonly reviewed: Review<Plan>; readonly isStarting: boolean; readonly failure?: Failure }
  | { readonly kind: 'started'; readonly command: string; readonly run: string; readonly isOver: boolean };

interface ActDialogProps extends ActProps<never> {
  /** Counts how often its button was pressed; it opens at each. */
  readonly turn: number;
  /** The session ended: it gives way to the door, and is there again with whoever signs in again. */
  readonly isAway: boolean;
  /** Closed, and nothing of it runs. */
  readonly onGone: () => void;
}

/** The plan of an action, reviewed; from there it is run, and its log followed. Nothing happens before. */
export function ActDialog({ turn, isAway, onGone, ...props }: ActDialogProps) {
  const { session, action, parameters, label } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  const gaveWay = useRef<'no' | 'open' | 'closed'>('no');
  const [step, setStep] = useState<Step<never>>({ kind: 'reviewing' });
  const goesOn = (step.kind === 'started' && !step.isOver) || (step.kind === 'reviewed' && step.isStarting);
  const look = async (): Promise<void> => {
    setStep({ kind: 'reviewing' });
    try {
      const reviewed = await ask<Review<never>>(`/api/actions/${action}/review`, { parameters: filled(parameters) }, session.csrf);
      setStep({ kind: 'reviewed', reviewed, isStarting: false });
    } catch (error) {
      setStep({ kind: 'failed', failure: failureOf(error) });
    }
  };
  useEffect(() => {
    if (isAway) {
      gaveWay.current = dialog.current?.open === true ? 'open' : 'closed';
      dialog.current?.close();
      return;
    }
    const was = gaveWay.current;
    gaveWay.current = 'no';
    if (was !== 'closed') dialog.current?.showModal();
    // What was reviewed was for the session that is over. What was started went on while nobody looked.
    if (was === 'no' ? !goesOn : step.kind !== 'started') void look();
  }, [turn, isAway]);
  useEffect(() => {
    if (!goesOn && !isAway && dialog.current?.open === false) onGone();
  }, [goesOn, isAway]);
  const closed = (): void => {
    if (!goesOn && !isAway && dialog.current?.open === false) onGone();
  };
  return (
    <dialog ref={dialog} class="act" aria-label={label} onClose={closed}>
      <header>
        <h2>{label}</h2>
        <button type="button" class="btn" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </header>
      <Steps {...props} step={step} setStep={setStep} look={() => void look()} />
    </dialog>
  );
}

interface StepsProps<Plan, Shown extends Step<Plan> = Step<Plan>> extends ActProps<Plan> {
  readonly step: Shown;
  readonly setStep: (step: Step<Plan>) => void;
  readonly look: () => void;
}

function Steps<Plan>(props: StepsProps<Plan>) {
  const { step, setStep, look, session, onEnd } = props;
  switch (step.kind) {
    case 'reviewing':
      return <Loading what="what it would do" />;
    case 'failed':
      return (
        <div class="body">
          {step.failure.command === undefined ? null : <Command text={step.failure.command} />}
          <Failed failure={step.failure} again={look} />
        </div>
      );
    case 'reviewed':
      return <Reviewed {...props} step={step} />;
    case 'started': {
      const ended = (run: Run): void => {
        setStep({ ...step, isOver: true });
        onEnd?.(run);
      };
      return (
        <div class="body stackv">
          <Command text={step.command} />
          <RunView id={step.run} session={session} onEnd={ended} />
          {step.isOver ? null : <p class="meta">It goes on when this is closed.</p>}
        </div>
      );
    }
  }
}

function Reviewed<Plan>(props: StepsProps<Plan, Extract<Step<Plan>, { kind: 'reviewed' }>>) {
  const { step, setStep, look, session, label, review, isNeeded, note } = props;
  const { id, command, plan, planExitStatus, expiresAt } = step.reviewed;
  const run = async (): Promise<void> => {
    setStep({ kind: 'reviewed', reviewed: step.reviewed, isStarting: true });
    try {
      const started = await ask<Run>('/api/actions/run', { id }, session.csrf);
      setStep({ kind: 'started', command, run: started.id, isOver: false });
    } catch (error) {
      setStep({ ...step, isStarting: false, failure: failureOf(error) });
    }
  };
  const canRun = plan === null || isNeeded?.(plan, planExitStatus) !== false;
  return (
    <div class="body stackv">
      {plan === null || review === undefined ? null : <div class="plan">{review(plan, planExitStatus)}</div>}
      {canRun ? <Command text={command} /> : null}
      {note === undefined || !canRun ? null : <p class="meta">{note}</p>}
      {step.failure === undefined ? null : <Failed failure={step.failure} again={look} />}
      {canRun && step.failure === undefined ? (
        <p class="bar">
          <button type="button" class="btn primary" disabled={step.isStarting} onClick={() => void run()}>
            {step.isStarting ? 'Starting' : label}
          </button>
          <span class="meta">
            Good once, until {clock(new Date(expiresAt), session.project.timeZone)[1].slice(0, 5)}; written into the audit trail as{' '}
            {session.user}
          </span>
        </p>
      ) : null}
    </div>
  );
}

/** Only what is chosen is sent. */
function filled(values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined && value !== ''));
}
