import type { Session } from '../../api.ts';
import { Act } from '../../parts/act.tsx';
import { ForOperators } from '../../parts/states.tsx';
import { moment, type Shown } from '../../words.ts';
import type { JobDocument } from './documents.ts';
import { isPauseReady, PauseFields, pauseValues, usePausing } from './pause-fields.tsx';

interface JobActionsProps {
  readonly session: Session;
  readonly job: JobDocument;
  readonly shown: Shown;
  /** What an action changed is asked anew. */
  readonly onDone: () => void;
}

/** Run it now, here or by a worker; pause it with a reason; let it run again. */
export function JobActions({ session, job, shown, onDone }: JobActionsProps) {
  const [pausing, change] = usePausing();
  const common = { session, onEnd: onDone };
  // Whoever runs a paused job from here has read that it is paused.
  const running = { job: job.name, evenIfPaused: job.paused ? 'yes' : '' };
  return (
    <div class="bar actions">
      <Act
        {...common}
        action="schedule/run"
        parameters={running}
        label="Run now"
        isPrimary
        note={`It is run on the machine of this console, with its retries${job.paused ? ', although it is paused' : ''}. Jobs after it are not run.`}
      />
      <Act
        {...common}
        action="schedule/run-by-worker"
        parameters={running}
        label="Run by a worker"
        note="A worker that can reach what it needs takes it, and what runs after it follows. Its log shows on this screen."
      />
      {job.pause === null ? (
        <>
          <PauseFields pausing={pausing} change={change} timeZone={shown.timeZone} />
          <Act
            {...common}
            action="schedule/pause"
            parameters={{ job: job.name, ...pauseValues(pausing) }}
            label="Pause"
            isReady={isPauseReady(pausing, shown.timeZone)}
            note="No worker and no timer begins it until the pause ends or somebody resumes it; a run that goes on is let end."
          />
        </>
      ) : (
        <Act
          {...common}
          action="schedule/resume"
          parameters={{ job: job.name }}
          label="Resume"
          note={`Paused by ${job.pause.by} since ${moment(job.pause.at, shown)}${job.pause.until === null ? '' : `, until ${moment(job.pause.until, shown)}`}. Times that passed meanwhile are not made up for.`}
        />
      )}
      <ForOperators session={session}>{null}</ForOperators>
    </div>
  );
}
