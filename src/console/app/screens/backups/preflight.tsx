import type { Failure, Session } from '../../api.ts';
import { useAnswer } from '../../answer.ts';
import { Panel, Status } from '../../parts/panel.tsx';
import { sentence } from '../../parts/states.tsx';
import { CommitStrip } from './commit-strip.tsx';
import type { Preflight as Plan, RestorePlan } from './documents.ts';
import { MomentFields, type Jump } from './moment-fields.tsx';
import { PreflightFacts } from './preflight-facts.tsx';
import { RestoreActions } from './restore-actions.tsx';
import { restoreParameters, type Restore } from './restore-words.ts';
import { stamp } from './zoned-time.ts';

export interface PreflightProps {
  readonly session: Session;
  readonly restore: Restore;
  /** Whether the slider rests; before that nothing is asked. */
  readonly isSettled: boolean;
  readonly nowMs: number;
  readonly jumps: readonly Jump[];
  /** Where the moment cannot be restored: what can, on either side. */
  readonly nearest: readonly number[];
  readonly segmentBytes: number;
  readonly onMoment: (atMs: number) => void;
  readonly onInto: (into: string) => void;
  readonly onReconcile: (reconcile: boolean) => void;
  readonly onDrilled: () => void;
}

/** What a restore to the chosen moment would do, before anything is done; or why it cannot be, and what can. */
export function Preflight(props: PreflightProps) {
  const { session, restore, isSettled, nearest, jumps, onMoment } = props;
  const { timeZone } = session.project;
  const { answer, failure, isLoading, again } = useAnswer<RestorePlan>(
    isSettled ? 'backups/preflight' : undefined,
    restoreParameters(restore),
  );
  const plan = isSettled ? answer?.document.preflight : undefined;
  const isRefused = isSettled && failure !== undefined && !isLoading;
  return (
    <Panel
      id="preflight"
      title={`Preflight: ${restore.cluster} to ${stamp(restore.atMs, timeZone)}`}
      aside={
        isRefused ? (
          <Status kind="bad">{failure.code === 'target-unreachable' ? 'not recoverable' : 'refused'}</Status>
        ) : plan === undefined ? (
          <Status kind="run">looking</Status>
        ) : (
          <Status kind="ok">reachable</Status>
        )
      }
    >
      <div class="body stackv">
        <MomentFields atMs={restore.atMs} timeZone={timeZone} jumps={jumps} plan={plan} onMoment={onMoment} />
        {isRefused ? (
          <Refusal failure={failure} nearest={nearest} atMs={restore.atMs} timeZone={timeZone} onMoment={onMoment} />
        ) : plan === undefined ? (
          <p class="meta" role="status">
            Looking at the stored WAL around that moment
          </p>
        ) : (
          <Reachable
            {...props}
            plan={plan}
            onDrilled={() => {
              again();
              props.onDrilled();
            }}
          />
        )}
      </div>
    </Panel>
  );
}

function Reachable(props: PreflightProps & { readonly plan: Plan }) {
  const { session, restore, plan, nowMs, segmentBytes, onInto, onReconcile, onDrilled } = props;
  const { timeZone } = session.project;
  return (
    <>
      <CommitStrip
        cluster={restore.cluster}
        repository={restore.repository}
        timeline={restore.timeline}
        atMs={restore.atMs}
        plan={plan}
        timeZone={timeZone}
      />
      <div class="cols">
        <PreflightFacts plan={plan} atMs={restore.atMs} nowMs={nowMs} segmentBytes={segmentBytes} timeZone={timeZone} />
        <RestoreActions
          session={session}
          restore={restore}
          returning={plan.returning}
          onInto={onInto}
          onReconcile={onReconcile}
          onDrilled={onDrilled}
        />
      </div>
    </>
  );
}

interface RefusalProps {
  readonly failure: Failure;
  readonly nearest: readonly number[];
  readonly atMs: number;
  readonly timeZone: string;
  readonly onMoment: (atMs: number) => void;
}

/** In the words of the command line, and the nearest moments that work as buttons. */
function Refusal({ failure, nearest, atMs, timeZone, onMoment }: RefusalProps) {
  return (
    <div class="stackv refusal" role="alert">
      <p>
        <b>{sentence(failure.message)}.</b> {failure.detail}
      </p>
      {failure.hint === undefined ? null : <p class="meta">{failure.hint}</p>}
      <div class="bar">
        {nearest.map((near) => (
          <button key={near} type="button" class="btn" onClick={() => onMoment(near)}>
            Use {stamp(near, timeZone)}, {near < atMs ? 'before it' : 'behind it'}
          </button>
        ))}
      </div>
    </div>
  );
}
