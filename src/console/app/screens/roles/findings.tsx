import type { Answered } from '../../answer.ts';
import { Command } from '../../parts/command.tsx';
import { Panel, Status } from '../../parts/panel.tsx';
import { Failed, Loading, sentence } from '../../parts/states.tsx';
import { counted, moment } from '../../words.ts';
import { SEVERITIES, type AuditDocument, type AuditFinding, type Severity } from './documents.ts';
import type { RolesPage } from './page.ts';
import { Segments } from '../../parts/choices.tsx';

const LOOKS: Readonly<Record<Severity, 'bad' | 'warn' | 'off'>> = { critical: 'bad', high: 'bad', medium: 'warn', low: 'off' };
/** More of a statement is in the whole script. */
const MOST_STATEMENTS = 12;
const FIRST = 20;

/** What the audit found, the gravest first, each with the SQL that closes it. */
export function Findings({
  page,
  audit: { answer, failure, again },
}: {
  readonly page: RolesPage;
  readonly audit: Answered<AuditDocument>;
}) {
  const { query, change, shown } = page;
  const document = answer?.document;
  const chosen = SEVERITIES.find((severity) => severity === query['severity']);
  const found = document?.findings.filter(({ severity }) => chosen === undefined || severity === chosen) ?? [];
  const first = query['findings'] === 'all' ? found : found.slice(0, FIRST);
  return (
    <Panel
      id="findings"
      title="Audit findings"
      aside={
        answer === undefined
          ? undefined
          : `${counted(answer.document.findings.length, 'finding')}, looked ${moment(answer.askedAt, shown, true)}`
      }
      wide="c7"
    >
      {document === undefined ? (
        failure === undefined ? (
          <Loading what="ways by which somebody may do more than it looks like" />
        ) : (
          <Failed failure={failure} again={again} />
        )
      ) : (
        <>
          {document.findings.length === 0 ? (
            <p class="body">
              <Status kind="ok">Nothing found</Status> <span class="meta">in {document.databases.join(', ')}</span>
            </p>
          ) : (
            <div class="body">
              <Segments
                label="Severity"
                value={chosen ?? ''}
                choices={[
                  ['', 'all'] as const,
                  ...SEVERITIES.filter((each) => document.counts[each] > 0).map(
                    (each) => [each, `${document.counts[each]} ${each}`] as const,
                  ),
                ]}
                onChoose={(severity) => change({ severity })}
              />
            </div>
          )}
          <ul class="todo">
            {first.map((finding) => (
              <Finding key={`${finding.rule} ${finding.subject} ${finding.database ?? ''}`} finding={finding} />
            ))}
          </ul>
          {first.length === found.length ? null : (
            <p class="note">
              <button type="button" class="btn" onClick={() => change({ findings: 'all' })}>
                Show {found.length - first.length} more
              </button>
            </p>
          )}
          <Accepted document={document} />
        </>
      )}
    </Panel>
  );
}

function Finding({ finding }: { readonly finding: AuditFinding }) {
  const { severity, subject, database, message, evidence, sql, remark, rule } = finding;
  const shown = sql.slice(0, MOST_STATEMENTS).map((statement) => `${statement};`);
  const more = sql.length - shown.length;
  return (
    <li>
      <Status kind={LOOKS[severity]}>{severity}</Status>
      <div>
        <p>
          <b>{subject}</b>
          {database === null ? '' : ` in ${database}`}: {message}
        </p>
        <details>
          <summary>
            Evidence and the SQL that closes it <span class="meta">{rule}</span>
          </summary>
          <ul class="facts-list">
            {evidence.map((fact) => (
              <li key={fact}>{fact}</li>
            ))}
          </ul>
          {shown.length === 0 ? <p class="meta">No SQL closes it.</p> : <Command text={shown.join('\n')} />}
          {more > 0 ? <p class="meta">{more} more statements: dbadmin roles audit --format sql</p> : null}
          {remark === null ? null : <p class="meta">{sentence(remark)}</p>}
        </details>
      </div>
    </li>
  );
}

function Accepted({ document: { accepted, notes } }: { readonly document: AuditDocument }) {
  return (
    <>
      {accepted.length === 0 ? null : (
        <details class="note">
          <summary>{counted(accepted.length, 'finding')} accepted in roles.yaml</summary>
          <ul class="facts-list">
            {accepted.map(({ rule, subject, reason, until }) => (
              <li key={`${rule} ${subject}`}>
                <b>{subject}</b> {rule}: {reason}
                {until === null ? '' : `, until ${until.slice(0, 10)}`}
              </li>
            ))}
          </ul>
        </details>
      )}
      {notes.map((note) => (
        <p key={note} class="note">
          {sentence(note)}
        </p>
      ))}
    </>
  );
}
