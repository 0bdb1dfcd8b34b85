import { useState } from 'preact/hooks';
import type { Answered } from '../../answer.ts';
import { Act } from '../../parts/act.tsx';
import { Check } from '../../parts/choices.tsx';
import { Command } from '../../parts/command.tsx';
import { Tag } from '../../parts/figures.tsx';
import { Panel, Status } from '../../parts/panel.tsx';
import { Failed, Loading, sentence } from '../../parts/states.tsx';
import { counted } from '../../words.ts';
import type { CheckDocument, PlanDocument, PlannedChange, Risk } from './documents.ts';
import type { RolesPage } from './page.ts';

const TAGS: Readonly<Partial<Record<Risk, 'warn' | 'acc' | 'bad'>>> = { WIDEN: 'warn', NARROW: 'acc', DESTROY: 'bad' };
const FIRST = 50;

interface DriftProps {
  readonly page: RolesPage;
  readonly check: Answered<CheckDocument>;
  readonly onApplied: () => void;
}

/** What must change for the cluster to be as roles.yaml says; reviewed and applied from here. */
export function Drift({ page, check: { answer, failure, again }, onApplied }: DriftProps) {
  const document = answer?.document;
  // Its dialog still shows the run when there is nothing left to apply.
  const [hasRun, setHasRun] = useState(false);
  const ended = (): void => {
    setHasRun(true);
    onApplied();
  };
  return (
    <Panel
      id="drift"
      title="Drift: cluster → roles.yaml"
      aside={
        document === undefined
          ? undefined
          : `${counted(document.changes.length, 'change')}, ${document.counts.destroy} destroy, mode ${document.mode}`
      }
      wide="c5"
    >
      {document === undefined ? (
        failure === undefined ? (
          <Loading what="the difference" />
        ) : (
          <Failed failure={failure} again={again} />
        )
      ) : (
        <>
          {document.inSync ? (
            <p class="body">
              <Status kind="ok">In sync</Status> <span class="meta">nothing to apply</span>
            </p>
          ) : (
            <Changes changes={document.changes} />
          )}
          <Broken document={document} />
          {document.notes.map((note) => (
            <p key={note} class="note">
              {sentence(note)}
            </p>
          ))}
          {document.inSync && !hasRun ? null : <Apply page={page} document={document} onApplied={ended} />}
        </>
      )}
    </Panel>
  );
}

function Apply({
  page,
  document,
  onApplied,
}: {
  readonly page: RolesPage;
  readonly document: CheckDocument;
  readonly onApplied: () => void;
}) {
  const { session } = page;
  const { cluster } = document;
  const [mayDrop, setMayDrop] = useState(false);
  const destroys = document.counts.destroy;
  return (
    <div class="body rule stackv">
      {destroys === 0 ? null : (
        <Check label={`Allow what drops roles and ends sessions (${counted(destroys, 'change')})`} isSet={mayDrop} onSet={setMayDrop} />
      )}
      <Command text={`dbadmin roles plan --cluster ${cluster}`} />
      <div class="bar">
        <Act<PlanDocument>
          session={session}
          action="roles/apply"
          parameters={{ cluster, drop: mayDrop ? 'yes' : undefined }}
          label={document.inSync ? 'Apply' : `Apply ${counted(document.changes.length, 'change')}`}
          isPrimary={!document.inSync}
          isNeeded={({ inSync }) => !inSync}
          review={(plan) => <Reviewed plan={plan} mayDrop={mayDrop} />}
          note="Just this plan is applied: if the cluster or the file is another one by then, nothing is. Afterwards the cluster is looked at again, and a difference left is an error."
          onEnd={onApplied}
        />
      </div>
    </div>
  );
}

/** The plan as it will be applied, with what could go wrong first. */
function Reviewed({ plan, mayDrop }: { readonly plan: PlanDocument; readonly mayDrop: boolean }) {
  const { counts, lacks, never = [], notes } = plan;
  if (plan.inSync)
    return (
      <p class="body">
        <Status kind="ok">In sync by now</Status> <span class="meta">there is nothing to apply</span>
      </p>
    );
  return (
    <>
      <p class="body">
        {counted(plan.changes.length, 'change')}: {counts.safe} safe, {counts.widen} widen, {counts.narrow} narrow,{' '}
        {counts.destroy === 0 ? '0 destroy' : <Status kind="bad">{`${counts.destroy} destroy`}</Status>}
      </p>
      {counts.destroy > 0 && !mayDrop ? (
        <p class="note">
          <Status kind="warn">It will be refused</Status> for what it drops is not allowed: close this and tick that it may.
        </p>
      ) : null}
      {never.map((rule) => (
        <p key={rule} class="note">
          <Status kind="bad">Never</Status> {rule}
        </p>
      ))}
      {lacks.map(({ what, sql }) => (
        <div key={what} class="note">
          <Status kind="warn">Not allowed yet</Status> {what}
          <Command text={sql.map((statement) => `${statement};`).join('\n')} />
        </div>
      ))}
      {notes.map((note) => (
        <p key={note} class="note">
          {sentence(note)}
        </p>
      ))}
      <Changes changes={plan.changes} withSql />
    </>
  );
}

export function Changes({ changes, withSql = false }: { readonly changes: readonly PlannedChange[]; readonly withSql?: boolean }) {
  const [isWhole, setWhole] = useState(false);
  const shown = isWhole ? changes : changes.slice(0, FIRST);
  return (
    <>
      <ul class="todo">
        {shown.map((change, index) => (
          <Change key={index} change={change} isOpen={withSql && changes.length <= 3} />
        ))}
      </ul>
      {shown.length === changes.length ? null : (
        <p class="note">
          <button type="button" class="btn" onClick={() => setWhole(true)}>
            Show {changes.length - shown.length} more
          </button>
        </p>
      )}
    </>
  );
}

function Change({
  change: { risk, sign, subject, text, remark, database, sql },
  isOpen,
}: {
  readonly change: PlannedChange;
  readonly isOpen: boolean;
}) {
  return (
    <li>
      <Tag {...(TAGS[risk] === undefined ? {} : { kind: TAGS[risk] })}>
        {sign} {risk}
      </Tag>
      <div>
        <p>
          <b>{subject}</b> {text}
          {database === null ? null : <span class="meta"> in {database}</span>}
          {remark === '' ? null : <span class="meta"> · {remark}</span>}
        </p>
        {sql.length === 0 ? (
          <p class="meta">Sent by dbadmin itself: there is no SQL to paste.</p>
        ) : (
          <details open={isOpen}>
            <summary>SQL</summary>
            <pre class="sql">{sql.map((statement) => `${statement};`).join('\n')}</pre>
          </details>
        )}
      </div>
    </li>
  );
}

/** What roles check finds beside drift: broken rules and remarks on the file. */
function Broken({ document: { findings } }: { readonly document: CheckDocument }) {
  const others = findings.filter(({ kind }) => kind !== 'drift');
  const never = others.filter(({ kind }) => kind === 'never');
  const lint = others.filter(({ kind }) => kind === 'lint');
  return (
    <>
      {never.length === 0 ? null : (
        <ul class="todo">
          {never.map(({ message, file, line, safe }) => (
            <li key={`${line} ${message}`}>
              <Status kind="bad">never</Status>
              <div>
                <p>{message}</p>
                <p class="meta">
                  {file}:{line}. {safe}
                </p>
              </div>
            </li>
          ))}
        </ul>
      )}
      {lint.length === 0 ? null : (
        <details class="note">
          <summary>{counted(lint.length, 'remark')} on the file</summary>
          <ul class="facts-list">
            {lint.map(({ severity, message, file, line, rule, safe }) => (
              <li key={`${line} ${message}`}>
                <Status kind={severity === 'error' ? 'bad' : severity === 'warning' ? 'warn' : 'off'}>{severity}</Status> {file}:{line}{' '}
                {message}{' '}
                <span class="meta">
                  {rule}. {safe}
                </span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}
