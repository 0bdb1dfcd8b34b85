import type { Answer } from '../../answer.ts';
import { Act } from '../../parts/act.tsx';
import { Status } from '../../parts/panel.tsx';
import { counted } from '../../words.ts';
import type { RoleAccessDocument, RoleAccessLine } from './documents.ts';
import { sqlName } from './matrix-model.ts';
import type { RolesPage } from './page.ts';

const MOST_NAMES = 6;

/** All that one role may do, objects alike on a line; with a plan, what it would add and take. */
export function RoleAccess({ page, answer: { document } }: { readonly page: RolesPage; readonly answer: Answer<RoleAccessDocument> }) {
  const { role, access, after, superuser, mayGrantItself, at, whatIf } = document;
  const lines = after === undefined ? access.map((line) => ({ sign: '' as const, line })) : compared(access, after);
  const changes = lines.filter(({ sign }) => sign !== '').length;
  return (
    <>
      <p class="body roles-say">
        {at === null ? '' : `At ${at}: `}
        <b>{role}</b>{' '}
        {superuser.includes(role) ? 'is a superuser and may do everything' : `has ${counted(access.length, 'line')} of privileges`}
        {superuser.length > 0 && !superuser.includes(role) ? `, and everything after SET ROLE ${superuser.map(sqlName).join(' or ')}` : ''}
        {mayGrantItself.length === 0 ? '' : `; it may grant itself ${mayGrantItself.map(sqlName).join(', ')}`}
        {whatIf === null ? '.' : `; ${changes === 0 ? 'nothing' : counted(changes, 'line')} would change with ${whatIf} applied.`}
      </p>
      {lines.length === 0 ? null : (
        <table class="stackt">
          <thead>
            <tr>
              <th>Object</th>
              <th>Privileges</th>
              <th>How</th>
            </tr>
          </thead>
          <tbody>
            {lines.map(({ sign, line }, index) => (
              <tr key={index}>
                <th scope="row">
                  {sign === '' ? null : <Status kind={sign === '+' ? 'warn' : 'off'}>{sign === '+' ? 'new' : 'gone'}</Status>}{' '}
                  {placeText(line)}
                </th>
                <td>
                  <code>{line.privileges.join(', ')}</code>
                </td>
                <td>
                  {line.setRole === null ? '' : `after SET ROLE ${sqlName(line.setRole)}: `}
                  {line.how}
                  {line.usable ? null : (
                    <>
                      {' '}
                      <Status kind="warn">no use without USAGE on schema {line.schema}</Status>
                    </>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <div class="note bar">
        <Act
          session={page.session}
          action="roles/rotate"
          parameters={{ cluster: document.cluster, role }}
          label="Rotate its password"
          note="The new password goes into the file that roles.yaml takes it from, on the host of this console; it is shown nowhere. Clients need it from then on."
        />
        <span class="meta">where roles.yaml takes its password from a file; else dbadmin roles rotate {sqlName(role)} --out FILE</span>
      </div>
    </>
  );
}

interface SignedLine {
  readonly sign: '' | '+' | '−';
  readonly line: RoleAccessLine;
}

function compared(now: readonly RoleAccessLine[], after: readonly RoleAccessLine[]): readonly SignedLine[] {
  const key = (line: RoleAccessLine): string => JSON.stringify(line);
  const [before, later] = [new Set(now.map(key)), new Set(after.map(key))];
  return [
    ...after.map((line): SignedLine => ({ sign: before.has(key(line)) ? '' : '+', line })),
    ...now.filter((line) => !later.has(key(line))).map((line): SignedLine => ({ sign: '−', line })),
  ].sort((left, right) => Number(left.sign === '') - Number(right.sign === ''));
}

function placeText({ kind, schema, table, names, total }: RoleAccessLine): string {
  const prefix = schema === null ? '' : `${sqlName(schema)}.`;
  if (table !== null) return `${kind} ${prefix}${sqlName(table)} (${names.map(sqlName).join(', ')})`;
  if (names.length === total && total > 1 && schema !== null) return `${kind} ${prefix}* (all ${total})`;
  const shown = names.slice(0, MOST_NAMES).map((name) => (kind === 'routine' ? name : sqlName(name)));
  const rest = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more of ${total}` : '';
  return `${kind} ${prefix}${shown.join(`, ${prefix}`)}${rest}`;
}
