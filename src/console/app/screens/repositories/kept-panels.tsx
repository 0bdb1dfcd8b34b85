import { formatBytes } from '../../../../base/bytes.ts';
import { useAnswer } from '../../answer.ts';
import { Command } from '../../parts/command.tsx';
import { Panel, Status } from '../../parts/panel.tsx';
import { Empty, Failed, Loading } from '../../parts/states.tsx';
import { counted, moment, type Shown } from '../../words.ts';
import type { ExpiryDocument, ExpiryPlan, HoldsDocument, Kept, KeysDocument } from './documents.ts';

interface KeptPanelsProps {
  readonly cluster: string;
  readonly repository: string;
  readonly shown: Shown;
}

/** What retention lets go and why the rest stays, what is held, and which keys open it. */
export function KeptPanels({ cluster, repository, shown }: KeptPanelsProps) {
  return (
    <>
      <RetentionPanel cluster={cluster} repository={repository} shown={shown} />
      <div class="cols">
        <HoldsPanel cluster={cluster} repository={repository} shown={shown} />
        <KeysPanel cluster={cluster} repository={repository} shown={shown} />
      </div>
    </>
  );
}

function RetentionPanel({ cluster, repository, shown }: KeptPanelsProps) {
  const { answer, failure, again } = useAnswer<ExpiryDocument>('repositories/retention', { cluster, repository });
  const plan = answer?.document.repositories[0];
  const isNone = failure?.code === 'config-missing';
  return (
    <Panel id="retention" title="Retention" aside={plan !== undefined && 'backups' in plan ? outcome(plan) : undefined}>
      {plan === undefined ? (
        failure === undefined ? (
          <Loading what="what stays and why" />
        ) : isNone ? (
          <Empty title="Everything stays">
            <p class="meta">{failure.hint ?? failure.message}</p>
          </Empty>
        ) : (
          <Failed failure={failure} again={again} />
        )
      ) : 'backups' in plan ? (
        <KeptTable plan={plan} shown={shown} />
      ) : (
        <Failed failure={plan.error} again={again} />
      )}
    </Panel>
  );
}

export function outcome({ backups, dumps, wal }: ExpiryPlan): string {
  const all = [...backups, ...dumps];
  const locked = all.filter(({ lockedUntil }) => lockedUntil !== null).length;
  const going = all.filter(({ stays }) => !stays).length - locked;
  const freed = wal.objects === 0 ? '' : `; ${counted(wal.objects, 'WAL object')} that no backup needs, ${formatBytes(wal.bytes)}`;
  const kept = locked === 0 ? '' : `, ${locked} ${locked === 1 ? 'is' : 'are'} locked by the storage`;
  return `${all.length - going - locked} stay${kept}, ${going} ${going === 1 ? 'goes' : 'go'} by the next expire${freed}`;
}

export function KeptTable({ plan, shown }: { readonly plan: ExpiryPlan; readonly shown: Shown }) {
  const all = [...plan.backups, ...plan.dumps].toReversed();
  if (all.length === 0) return <p class="body meta">No backups and no dumps.</p>;
  return (
    <div class="scroll tall" tabIndex={0} role="region" aria-label="What stays and why">
      <table class="stackt">
        <thead>
          <tr>
            <th>Backup or dump</th>
            <th>Of</th>
            <th>Retention</th>
            <th>Why</th>
          </tr>
        </thead>
        <tbody>
          {all.map((kept) => (
            <KeptRow key={kept.label} kept={kept} shown={shown} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function KeptRow({ kept: { label, at, stays, lockedUntil, why }, shown }: { readonly kept: Kept; readonly shown: Shown }) {
  return (
    <tr>
      <th scope="row">
        <code>{label}</code>
      </th>
      <td class="nowrap">{at === null ? '–' : moment(at, shown)}</td>
      <td>
        {stays ? (
          <Status kind="ok">stays</Status>
        ) : lockedUntil === null ? (
          <Status kind="warn">goes</Status>
        ) : (
          <Status kind="off">locked</Status>
        )}
      </td>
      <td>
        {stays ? why.join('; ') : 'no rule keeps it'}
        {lockedUntil === null ? '' : `; the storage does, until ${moment(lockedUntil, shown)}`}
      </td>
    </tr>
  );
}

function HoldsPanel({ cluster, repository, shown }: KeptPanelsProps) {
  const { answer, failure, again } = useAnswer<HoldsDocument>('repositories/holds', { cluster, repository });
  const holds = answer?.document.repositories.flatMap((each) => each.holds);
  return (
    <Panel id="holds" title="Held" wide="c6" aside={holds === undefined ? undefined : counted(holds.length, 'hold')}>
      {holds === undefined ? (
        failure === undefined ? (
          <Loading what="what is held" />
        ) : (
          <Failed failure={failure} again={again} />
        )
      ) : holds.length === 0 ? (
        <Empty title="Nothing is held">
          <p class="meta">A hold keeps a backup whatever retention says:</p>
          <Command text={`dbadmin backup hold LABEL --cluster ${cluster} --reason "why"`} />
        </Empty>
      ) : (
        <table class="stackt">
          <thead>
            <tr>
              <th>Backup</th>
              <th>Until</th>
              <th>Reason</th>
              <th>By</th>
            </tr>
          </thead>
          <tbody>
            {holds.map(({ label, until, reason, by, placedAt }) => (
              <tr key={`${label} ${placedAt}`}>
                <th scope="row">
                  <code>{label}</code>
                </th>
                <td class="nowrap">{until === null ? 'released' : moment(until, shown)}</td>
                <td>{reason}</td>
                <td>
                  {by}, {moment(placedAt, shown)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}

function KeysPanel({ cluster, repository, shown }: KeptPanelsProps) {
  const { answer, failure, again } = useAnswer<KeysDocument>('repositories/keys', { cluster, repository });
  const document = answer?.document;
  return (
    <Panel id="keys" title="Keys" wide="c6" aside={document === undefined ? undefined : document.encryption}>
      {document === undefined ? (
        failure === undefined ? (
          <Loading what="its keys" />
        ) : (
          <Failed failure={failure} again={again} />
        )
      ) : document.encryption === 'none' ? (
        <p class="body">
          <Status kind="warn">Not encrypted</Status> <span class="meta">whoever reads the repository reads the databases</span>
        </p>
      ) : (
        <table class="stackt">
          <thead>
            <tr>
              <th>Key</th>
              <th>Kind</th>
              <th>Made</th>
              <th>For</th>
              <th>Here</th>
            </tr>
          </thead>
          <tbody>
            {document.keys.map(({ id, kind, createdAt, note, isConfigured }) => (
              <tr key={id}>
                <th scope="row">
                  <code>{id}</code>
                </th>
                <td>{kind}</td>
                <td>{moment(createdAt, shown)}</td>
                <td>{note}</td>
                <td>{isConfigured ? <Status kind="ok">configured</Status> : '–'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}
