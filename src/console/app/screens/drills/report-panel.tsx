import { formatBytes } from '../../../../base/bytes.ts';
import { formatDuration } from '../../../../base/durations.ts';
import { useAnswer } from '../../answer.ts';
import { Command } from '../../parts/command.tsx';
import { Panel, Status } from '../../parts/panel.tsx';
import { Failed, Loading, sentence } from '../../parts/states.tsx';
import { counted, moment, type Shown } from '../../words.ts';
import type { Report, ReportDocument } from './documents.ts';
import { VERDICTS } from './drills-table.tsx';

interface ReportPanelProps {
  readonly cluster: string;
  readonly repository: string;
  readonly label: string;
  readonly shown: Shown;
}

/** One report as it was signed: what was promised, what came of it, and whether anybody changed the record. */
export function ReportPanel({ cluster, repository, label, shown }: ReportPanelProps) {
  const { answer, failure, again } = useAnswer<ReportDocument>('drills/report', { cluster, repository, label });
  if (answer === undefined) {
    return (
      <Panel id="report" title={`Report ${label}`}>
        {failure === undefined ? <Loading what="the report" /> : <Failed failure={failure} again={again} />}
      </Panel>
    );
  }
  const { report, signature, signed } = answer.document;
  const [kind, word] = VERDICTS[report.verdict];
  return (
    <Panel id="report" title={`Report ${report.label}`} aside={<Status kind={kind}>{word}</Status>}>
      <div class="body stackv">
        {report.failures.map((failed) => (
          <p key={failed}>
            <Status kind="bad">{failed}</Status>
          </p>
        ))}
        {report.weaknesses.map((weak) => (
          <p key={weak}>
            <Status kind="unproven">{weak}</Status>
          </p>
        ))}
        <div class="cols">
          <Facts report={report} shown={shown} />
          <Seal report={report} signature={signature} signed={signed} cluster={cluster} />
        </div>
        <Amcheck amcheck={report.amcheck} />
      </div>
      <Assertions assertions={report.assertions} />
    </Panel>
  );
}

function Facts({
  report: { target, plan, reached, times, startedAt, finishedAt, tool },
  shown,
}: {
  readonly report: Report;
  readonly shown: Shown;
}) {
  const span = (ms: number | null): string => (ms === null ? 'did not come about' : formatDuration(ms));
  return (
    <dl class="facts c7">
      <dt>Asked for</dt>
      <dd>
        {target.asked}
        {target.seed === null ? '' : `, seed ${target.seed}`}
        {target.moment === null ? '' : `: ${moment(target.moment, shown, true)}`}
      </dd>
      <dt>Promised</dt>
      <dd>
        {plan === null
          ? 'no plan came about'
          : `${plan.fromLsn}${plan.untilLsn === null || plan.untilLsn === plan.fromLsn ? '' : ` … ${plan.untilLsn}`} on timeline ${plan.timeline}`}
        {plan?.lastCommit == null ? '' : `, with the commit of ${moment(plan.lastCommit.at, shown, true)}`}
      </dd>
      <dt>Restored</dt>
      <dd>
        {plan === null ? (
          'nothing'
        ) : (
          <>
            <code>{plan.backup}</code>, {plan.backupKind}, {formatBytes(plan.plainBytes)} and {formatBytes(plan.walBytes)} of WAL
          </>
        )}
      </dd>
      <dt>Reached</dt>
      <dd>
        {reached === null
          ? 'the clone did not get that far'
          : `${reached.lsn} on timeline ${reached.timeline}${reached.lastTransactionAt === null ? '' : `, last transaction ${moment(reached.lastTransactionAt, shown, true)}`}`}
      </dd>
      <dt>Back in</dt>
      <dd>
        <b>{span(times.rtoMs)}</b>: planning {span(times.planMs)}, restore {span(times.restoreMs)}, recovery {span(times.recoveryMs)};
        checks {span(times.checksMs)}
      </dd>
      <dt>Ran</dt>
      <dd>
        {moment(startedAt, shown, true)} to {moment(finishedAt, shown, true)}, dbadmin {tool}
      </dd>
    </dl>
  );
}

const SEALS = {
  valid: ['ok', 'as it was signed, by a key known here'],
  'unknown-key': ['warn', 'as it was signed, by a key that is not known here'],
  invalid: ['bad', 'not what was signed'],
} as const;

function Seal({ report, signature, signed, cluster }: ReportDocument & { readonly cluster: string }) {
  const [kind, words] = SEALS[signed.kind];
  const file = `${report.label}.json`;
  const download = (): void => {
    const url = URL.createObjectURL(new Blob([`${JSON.stringify({ report, signature }, undefined, 2)}\n`], { type: 'application/json' }));
    const link = document.createElement('a');
    link.href = url;
    link.download = file;
    link.click();
    URL.revokeObjectURL(url);
  };
  return (
    <div class="c5 stackv tight">
      <p>
        <Status kind={kind}>{words}</Status>
      </p>
      {signed.reason === null ? null : <p class="meta">{sentence(signed.reason)}</p>}
      {signed.fingerprint === null ? null : (
        <p class="meta">
          Ed25519 key <code>{signed.fingerprint}</code>
        </p>
      )}
      <p>
        <button type="button" class="btn" onClick={download}>
          Download {file}
        </button>
      </p>
      <Command text={`dbadmin backup drill --cluster ${cluster} --verify-report ${file}`} />
    </div>
  );
}

function Amcheck({ amcheck }: Pick<Report, 'amcheck'>) {
  if (!('indexes' in amcheck)) {
    const why = amcheck.state === 'absent' ? 'the extension is not among the programs of the server' : 'it was not run';
    return (
      <p>
        <Status kind="unproven">amcheck did not look: {why}</Status>
      </p>
    );
  }
  const { state, databases, indexes, tables, heapAllIndexed, findings } = amcheck;
  const what = `${counted(indexes, 'index', 'indexes')} and ${counted(tables, 'table')} in ${counted(databases, 'database')}${heapAllIndexed ? ', every row in its indexes' : ''}`;
  return (
    <div>
      <p>
        <Status
          kind={state === 'clean' ? 'ok' : 'bad'}
        >{`amcheck: ${what}: ${state === 'clean' ? 'clean' : counted(findings.length, 'finding')}`}</Status>
      </p>
      {findings.length === 0 ? null : <pre class="said">{findings.join('\n')}</pre>}
    </div>
  );
}

function Assertions({ assertions }: Pick<Report, 'assertions'>) {
  if (assertions.length === 0) {
    return (
      <p class="note">
        No assertion was asked. They are written under <code>drill: assert</code> of the policy in backups/policies.yaml.
      </p>
    );
  }
  return (
    <table class="stackt">
      <thead>
        <tr>
          <th>Assertion</th>
          <th>Shall give</th>
          <th>Gave</th>
          <th>Result</th>
        </tr>
      </thead>
      <tbody>
        {assertions.map(({ sql, is, got, holds }) => (
          <tr key={sql}>
            <td class="w0">
              <code>{sql}</code>
            </td>
            <td data-l="shall give">{String(is)}</td>
            <td data-l="gave">{got}</td>
            <td>
              <Status kind={holds ? 'ok' : 'bad'}>{holds ? 'holds' : 'does not hold'}</Status>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
