import type { Answered } from '../../answer.ts';
import { Diff } from '../../parts/diff-view.tsx';
import { countOf, diffRows } from '../../parts/diff-lines.ts';
import { Panel, Status } from '../../parts/panel.tsx';
import { Empty, Failed, Loading } from '../../parts/states.tsx';
import { Command } from '../../parts/command.tsx';
import { moment, type Shown } from '../../words.ts';
import type { PlanDocument, PlannedRoutine, RehearsalDocument } from './documents.ts';
import { FilePanel } from './file-panel.tsx';
import { PlanTable } from './plan-table.tsx';
import { RehearsalPanel } from './rehearsal-panel.tsx';

interface PlanPanelsProps {
  readonly plan: PlanDocument;
  readonly madeAt: string;
  readonly rehearsal: Answered<RehearsalDocument>;
  readonly limitMs: number;
  readonly shown: Shown;
}

/** The plan by statement, the rehearsal, each file with what lint says of it, each changed routine as a difference. */
export function PlanPanels({ plan, madeAt, rehearsal, limitMs, shown }: PlanPanelsProps) {
  const { versioned, routines, findings, restorePoint, warnings } = plan;
  return (
    <>
      <Panel id="plan" title="Plan" aside={`made ${moment(madeAt, shown, true)}`}>
        <div class="scroll" tabIndex={0} role="region" aria-label="Plan, by statement">
          <PlanTable plan={plan} />
        </div>
        {warnings.map((warning) => (
          <p key={warning} class="note">
            <Status kind="warn">{warning}</Status>
          </p>
        ))}
        {/* Looked at by the role that reads: whether the one that applies may set it, its review says. */}
        {restorePoint !== null && 'name' in restorePoint ? (
          <p class="note">
            A restore point such as <code>{restorePoint.name}</code> is set before the first line runs.
          </p>
        ) : null}
      </Panel>
      <Rehearsed plan={plan} rehearsal={rehearsal} limitMs={limitMs} shown={shown} />
      {versioned.map(({ version, file, path, sql, statements }) => (
        <FilePanel key={version} id={`file-${version}`} title={file} path={path} sql={sql} statements={statements} findings={findings} />
      ))}
      {routines.map((routine) => (
        <Routine key={routine.name} routine={routine} plan={plan} />
      ))}
    </>
  );
}

function Rehearsed({ plan, rehearsal, limitMs, shown }: Omit<PlanPanelsProps, 'madeAt'>) {
  if (plan.rehearsal === null) {
    return (
      <Panel id="rehearsal" title="Rehearsal">
        <Empty title="Not rehearsed yet">
          <p class="meta">
            A rehearsal runs the pending files on a clone restored from a backup, and measures who would wait for how long.
          </p>
          <Command text="dbadmin migrate rehearse" />
        </Empty>
      </Panel>
    );
  }
  if (rehearsal.answer === undefined)
    return rehearsal.failure === undefined ? (
      <Loading what="the last rehearsal" />
    ) : (
      <Failed failure={rehearsal.failure} again={rehearsal.again} />
    );
  const measured = plan.versioned.filter(({ statements }) => statements.every(({ expectedMs, done }) => done || expectedMs !== null));
  const current = new Set(measured.map(({ version }) => version));
  return <RehearsalPanel rehearsal={rehearsal.answer.document} limitMs={limitMs} current={current} shown={shown} />;
}

/** A new routine as its text, a changed one as what changes; and whether somebody changed the one in the database. */
function Routine({ routine, plan }: { readonly routine: PlannedRoutine; readonly plan: PlanDocument }) {
  const { name, path, sql, change, diff, drift } = routine;
  if (change === 'new' && drift.length === 0) {
    return (
      <FilePanel id={`routine-${name}`} title={`Routine ${name}, new`} path={path} sql={sql} statements={[]} findings={plan.findings} />
    );
  }
  const own = plan.findings.filter(({ file }) => file === path);
  return (
    <Panel id={`routine-${name}`} title={`Routine ${name}`} aside={diff.length === 0 ? 'its text is the same' : countOf(diffRows(diff))}>
      {diff.length === 0 ? null : (
        <Diff lines={diff} label={`Difference of routine ${name}`} sides={['as it was applied', 'the file now']} />
      )}
      {drift.map(({ signature, kind, diff: changed }) => (
        <div key={signature}>
          <p class="note">
            <Status kind="warn">
              {kind === 'gone'
                ? `${signature} is no longer in the database`
                : `${signature} is not what was applied: somebody changed it there, and this overwrites it`}
            </Status>
          </p>
          {changed.length === 0 ? null : (
            <Diff lines={changed} label={`Drift of ${signature}`} sides={['as it was applied', 'the database has']} />
          )}
        </div>
      ))}
      {own.map(({ line, rule, message, severity, safe }) => (
        <p key={`${line} ${rule}`} class="note">
          <Status kind={severity === 'error' ? 'bad' : 'warn'}>{`line ${line} ${rule}: ${message}`}</Status> {safe}
        </p>
      ))}
    </Panel>
  );
}
