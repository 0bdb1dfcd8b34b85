import type { Answered } from '../../answer.ts';
import { Figures } from '../../parts/figures.tsx';
import { Status } from '../../parts/panel.tsx';
import { Failed, Loading, Stale } from '../../parts/states.tsx';
import { counted, moment } from '../../words.ts';
import { SEVERITIES, type AuditDocument, type CheckDocument, type GraphDocument } from './documents.ts';
import { endings } from './expiring.tsx';
import type { RolesPage } from './page.ts';

interface SummaryProps {
  readonly page: RolesPage;
  readonly check: Answered<CheckDocument>;
  readonly audit: Answered<AuditDocument>;
  readonly graph: Answered<GraphDocument>;
}

/** Whether the cluster is as its file says, and what is dangerous in it, in a sentence and in figures. */
export function Summary({ page: { shown }, check, audit, graph }: SummaryProps) {
  const [checked, audited] = [check.answer?.document, audit.answer?.document];
  if (checked === undefined && check.failure !== undefined)
    return (
      <section class="panel" aria-label="Summary">
        <Failed failure={check.failure} again={check.again} />
      </section>
    );
  if (checked === undefined) return <Loading what="roles, privileges and roles.yaml" />;
  const broken = checked.findings.filter(({ kind }) => kind === 'never').length;
  const next = graph.answer === undefined ? undefined : endings(graph.answer.document, shown.now)[0];
  const roles = graph.answer?.document.roles.filter(({ kind }) => kind === 'login' || kind === 'group');
  const groups = roles?.filter(({ kind }) => kind === 'group').length ?? 0;
  const { unmanaged, changes } = checked;
  return (
    <section class="panel" aria-label="Summary">
      {check.failure === undefined || check.answer === undefined ? null : (
        <Stale since={moment(check.answer.askedAt, shown, true)} why={check.failure.message} />
      )}
      <p class="body roles-say">
        {checked.inSync ? (
          <>
            <b>{checked.cluster}</b> is as roles.yaml says
          </>
        ) : (
          <>
            <b>{checked.cluster}</b> differs from roles.yaml in <b>{counted(changes.length, 'place')}</b>
          </>
        )}
        {broken === 0 ? '' : `; ${counted(broken, 'rule')} under never ${broken === 1 ? 'is' : 'are'} broken`}
        {audited === undefined ? '' : `; ${auditWords(audited)}`}.
      </p>
      <Figures
        figures={[
          {
            label: 'Managed roles',
            value: roles?.length ?? '–',
            note: roles === undefined ? 'not counted yet' : `${counted(groups, 'group')}, ${counted(roles.length - groups, 'login')}`,
          },
          { label: 'Not managed', value: unmanaged.roles.length + unmanaged.undeclaredRoles.length, note: unmanagedWords(checked) },
          { label: 'Differences', value: changes.length, note: <DriftStatus document={checked} /> },
          { label: 'Never rules', value: checked.checked.never, note: <NeverStatus rules={checked.checked.never} broken={broken} /> },
          { label: 'Audit findings', value: audited?.findings.length ?? '–', note: <AuditStatus audit={audit} /> },
          {
            label: 'Next to end',
            value: next === undefined ? '–' : next.until.slice(0, 10),
            note: next === undefined ? 'no membership has an end' : `${next.member} in ${next.role}`,
          },
        ]}
      />
    </section>
  );
}

function unmanagedWords({ unmanaged: { undeclaredRoles, schemas } }: CheckDocument): string {
  const roles = undeclaredRoles.length === 0 ? 'roles' : `roles, ${undeclaredRoles.length} of them in scope`;
  return `${roles}, and ${counted(schemas.length, 'schema')}`;
}

function DriftStatus({ document: { inSync, counts } }: { readonly document: CheckDocument }) {
  if (inSync) return <Status kind="ok">in sync</Status>;
  const words = `${counts.destroy} destroy, ${counts.widen} widen, ${counts.narrow} narrow`;
  return <Status kind={counts.destroy > 0 ? 'bad' : 'warn'}>{words}</Status>;
}

function NeverStatus({ rules, broken }: { readonly rules: number; readonly broken: number }) {
  if (broken > 0) return <Status kind="bad">{`${broken} broken`}</Status>;
  return rules === 0 ? <>none in the file</> : <Status kind="ok">all hold</Status>;
}

function AuditStatus({ audit: { answer, failure } }: { readonly audit: Answered<AuditDocument> }) {
  if (answer === undefined) return <>{failure === undefined ? 'looking' : 'not known'}</>;
  const { counts, findings, accepted } = answer.document;
  const aside = accepted.length === 0 ? '' : `, ${accepted.length} accepted`;
  if (findings.length === 0) return <Status kind="ok">{`none${aside}`}</Status>;
  const words = SEVERITIES.flatMap((severity) => (counts[severity] === 0 ? [] : [`${counts[severity]} ${severity}`])).join(', ');
  return <Status kind={counts.critical + counts.high > 0 ? 'bad' : counts.medium > 0 ? 'warn' : 'off'}>{`${words}${aside}`}</Status>;
}

function auditWords({ counts, findings }: AuditDocument): string {
  if (findings.length === 0) return 'the audit finds nothing';
  const words = SEVERITIES.flatMap((severity) => (counts[severity] === 0 ? [] : [`${counts[severity]} ${severity}`]));
  return `the audit has ${counted(findings.length, 'finding')}: ${words.join(', ')}`;
}
