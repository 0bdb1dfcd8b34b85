import { useState } from 'preact/hooks';
import type { Answer } from '../../answer.ts';
import { Command } from '../../parts/command.tsx';
import { Status } from '../../parts/panel.tsx';
import { Empty, sentence } from '../../parts/states.tsx';
import { counted } from '../../words.ts';
import type { Verdict, WhoCanAnswer, WhoCanDocument } from './documents.ts';
import { sqlName } from './matrix-model.ts';
import type { RolesPage } from './page.ts';
import { Path } from './path.tsx';

const VERDICTS: Readonly<Record<Verdict, readonly ['ok' | 'run' | 'warn' | 'off', string]>> = {
  yes: ['ok', 'yes'],
  'set-role': ['run', 'SET ROLE'],
  view: ['ok', 'by a view'],
  routine: ['warn', 'perhaps'],
  admin: ['off', 'no, may become'],
  no: ['off', 'no'],
};
const ORDER: readonly Verdict[] = ['yes', 'view', 'set-role', 'routine', 'admin', 'no'];

interface Line {
  readonly role: string;
  /** As it is; undefined for a role that is not there yet. */
  readonly now: WhoCanAnswer | undefined;
  /** After the plan; null for a role that is gone then, undefined where no plan was asked about. */
  readonly after: WhoCanAnswer | null | undefined;
}

/** Everybody who was asked about, those who can first, with the paths of one of them. */
export function Answers({ page, answer: { document } }: { readonly page: RolesPage; readonly answer: Answer<WhoCanDocument> }) {
  const lines = linesOf(document);
  const [chosen, choose] = useState<string>();
  const line = lines.find(({ role }) => role === chosen) ?? lines[0];
  const object = objectText(document);
  if (line === undefined) return <Empty title="There is no login to ask about">{null}</Empty>;
  return (
    <>
      <p class="body roles-say">{summaryOf(document, lines, object)}</p>
      <Ways line={line} document={document} object={object} />
      <table class="stackt">
        <thead>
          <tr>
            <th>Role</th>
            <th>Can</th>
            <th>Path</th>
            <th>
              <span class="vh">More</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {lines.map((each) => {
            const shown = each.after ?? each.now;
            return (
              <tr key={each.role} class={each === line ? 'sel' : undefined}>
                <th scope="row">
                  <button type="button" class="link" aria-pressed={each === line} onClick={() => choose(each.role)}>
                    {each.role}
                  </button>
                </th>
                <td class="verdict">
                  <Can line={each} />
                </td>
                <td>{shown === undefined ? 'the role would be gone' : why(shown)}</td>
                <td class="num">
                  {shown !== undefined && shown.ways.length > 1 ? <span class="meta">{shown.ways.length} ways </span> : null}
                  <button
                    type="button"
                    class="link"
                    aria-label={`all of it, for ${each.role}`}
                    onClick={() => page.change({ role: each.role, who: undefined, on: undefined, by: undefined })}
                  >
                    all of it
                  </button>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </>
  );
}

function linesOf({ answers, whatIf }: WhoCanDocument): readonly Line[] {
  const lines = answers.map(({ role, after, ...now }): Line => ({
    role,
    now: isWhole(now) ? now : undefined,
    after: whatIf === null ? undefined : (after ?? null),
  }));
  // A superuser can everything: of those who can, the others are what is asked about.
  const rank = ({ now, after }: Line): number =>
    ORDER.indexOf((after ?? now)?.can ?? 'no') + ((after ?? now)?.ways[0]?.path[0]?.by === 'superuser' ? 0.5 : 0);
  return lines.sort((left, right) => rank(left) - rank(right) || (left.role < right.role ? -1 : 1));
}

function isWhole(answer: Partial<WhoCanAnswer>): answer is WhoCanAnswer {
  return answer.can !== undefined;
}

function objectText({ object: { kind, schema, name, column } }: WhoCanDocument): string {
  const parts = [schema, kind === 'routine' ? null : name, column].filter((part) => part !== null).map(sqlName);
  const text = kind === 'routine' ? [...parts, name].join('.') : parts.join('.');
  return `${column === null ? kind : 'column'} ${text}`;
}

function summaryOf({ privilege, whatIf, at }: WhoCanDocument, lines: readonly Line[], object: string) {
  const count = (verdict: Verdict): number => lines.filter(({ now, after }) => (after === undefined ? now : after)?.can === verdict).length;
  const parts = [
    ...(count('set-role') > 0 ? [`${count('set-role')} after SET ROLE`] : []),
    ...(count('view') > 0 ? [`${count('view')} through a view`] : []),
    ...(count('routine') > 0 ? [`${count('routine')} perhaps through a function`] : []),
  ];
  const changed = lines.filter(({ now, after }) => after !== undefined && now?.can !== after?.can).length;
  return (
    <>
      {at === null ? '' : `At ${at}: `}
      <b>{count('yes')}</b> of {counted(lines.length, 'role')} can {privilege} on <b>{object}</b> at once{parts.map((part) => `, ${part}`)}
      {whatIf === null ? '.' : `, once ${whatIf} is applied; ${counted(changed, 'answer')} would change.`}
    </>
  );
}

function Can({ line: { now, after } }: { readonly line: Line }) {
  const [kind, word] = VERDICTS[(after ?? now)?.can ?? 'no'];
  const before = VERDICTS[now?.can ?? 'no'][1];
  if (after === undefined || (after !== null && before === word)) return <Status kind={kind}>{word}</Status>;
  return (
    <>
      <span class="meta">{before} → </span>
      <Status kind={after === null ? 'off' : kind}>{after === null ? 'gone' : word}</Status>
    </>
  );
}

function why({ how, lacks, remarks, holds }: WhoCanAnswer): string {
  const parts = [
    ...(lacks.length === 0 ? [] : [`${holds ? 'has the privilege, ' : ''}lacks ${lacks.join(' and ')}`]),
    ...(how === null ? [] : [how]),
    ...remarks,
  ];
  return parts.join('; ');
}

/** Every way of the role that is chosen, each with what ends it. */
function Ways({
  line: { role, now, after },
  document,
  object,
}: {
  readonly line: Line;
  readonly document: WhoCanDocument;
  readonly object: string;
}) {
  const shown = after ?? now;
  if (shown === undefined) return null;
  if (shown.ways.length === 0)
    return (
      <p class="body meta">
        {role}: no entry for it, for PUBLIC or for a role it is a member of; it owns nothing on the way and is no superuser.
      </p>
    );
  return (
    <div class="body stackv ways">
      {shown.ways.map((way, index) => (
        <div key={index} class="stackv way">
          <Path role={role} object={`${document.privilege} on ${object}`} way={way} />
          {way.cut.length === 0 ? (
            <p class="meta">{sentence(way.text)}: nothing that can be revoked.</p>
          ) : (
            <details>
              <summary>End this way</summary>
              <Command text={way.cut.map((statement) => `${statement};`).join('\n')} />
              <p class="meta">For a superuser. What roles.yaml grants comes back with the next apply: change it there.</p>
            </details>
          )}
        </div>
      ))}
    </div>
  );
}
