import { formatDuration } from '../../../../base/durations.ts';
import type { Answered } from '../../answer.ts';
import { Panel, Status } from '../../parts/panel.tsx';
import { Failed, Loading } from '../../parts/states.tsx';
import { counted, moment } from '../../words.ts';
import type { GraphDocument } from './documents.ts';
import type { RolesPage } from './page.ts';

const SOON_MS = 14 * 86_400_000;

export interface Ending {
  readonly member: string;
  readonly role: string;
  readonly until: string;
  readonly leftMs: number;
}

/** The memberships that the file ends, the next one first; what is over and still there is drift. */
export function endings({ memberships }: GraphDocument, now: Date): readonly Ending[] {
  return memberships
    .flatMap(({ member, role, until }) =>
      until === undefined ? [] : [{ member, role, until, leftMs: new Date(until).getTime() - now.getTime() }],
    )
    .sort((left, right) => left.leftMs - right.leftMs);
}

export function Expiring({
  page: { shown },
  graph: { answer, failure, again },
}: {
  readonly page: RolesPage;
  readonly graph: Answered<GraphDocument>;
}) {
  const found = answer === undefined ? [] : endings(answer.document, shown.now);
  return (
    <Panel
      id="expiring"
      title="Memberships that end"
      aside={answer === undefined ? undefined : counted(found.length, 'membership')}
      wide="c6"
    >
      {answer === undefined ? (
        failure === undefined ? (
          <Loading what="memberships" />
        ) : (
          <Failed failure={failure} again={again} />
        )
      ) : found.length === 0 ? (
        <p class="body meta">
          No membership in roles.yaml has an end. One is written <code>{'{ role: app_reader, until: 2027-01-31 }'}</code>.
        </p>
      ) : (
        <table class="stackt">
          <thead>
            <tr>
              <th>Member</th>
              <th>of</th>
              <th>until</th>
              <th>Left</th>
            </tr>
          </thead>
          <tbody>
            {found.map(({ member, role, until, leftMs }) => (
              <tr key={`${member} ${role}`}>
                <th scope="row">{member}</th>
                <td>{role}</td>
                <td class="nowrap">{moment(until, shown)}</td>
                <td class="nowrap">
                  {leftMs <= 0 ? (
                    <Status kind="warn">over</Status>
                  ) : leftMs < SOON_MS ? (
                    <Status kind="warn">{formatDuration(leftMs)}</Status>
                  ) : (
                    formatDuration(leftMs)
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <p class="note">What is over is revoked by the next apply; roles check reports it until then.</p>
    </Panel>
  );
}
