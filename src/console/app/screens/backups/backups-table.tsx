import { useMemo, useState } from 'preact/hooks';
import { formatBytes } from '../../../../base/bytes.ts';
import { formatDuration } from '../../../../base/durations.ts';
import type { Session } from '../../api.ts';
import { Act } from '../../parts/act.tsx';
import { Panel, Status } from '../../parts/panel.tsx';
import { moment, type Shown } from '../../words.ts';
import type { Backup } from './documents.ts';
import { Hold } from './hold.tsx';

interface BackupsTableProps {
  readonly session: Session;
  readonly cluster: string;
  readonly repository: string;
  readonly backups: readonly Backup[];
  readonly shown: Shown;
  readonly onMoment: (atMs: number) => void;
  /** Something was done to one of them. */
  readonly onChanged: () => void;
}

const PAGE = 20;

/** The backups as a table, the newest first: what the marks of the timeline stand for, with what can be done to each. */
export function BackupsTable({ session, cluster, repository, backups, shown, onMoment, onChanged }: BackupsTableProps) {
  const [count, setCount] = useState(PAGE);
  const newest = useMemo(() => [...backups].sort((a, b) => (a.finishedAt < b.finishedAt ? 1 : -1)), [backups]);
  const visible = newest.slice(0, count);
  return (
    <Panel
      id="list"
      title={`Backups of ${cluster} in ${repository}`}
      aside={`${visible.length} of ${newest.length}, each restores on its own`}
    >
      <table class="stackt backups">
        <thead>
          <tr>
            <th>Label</th>
            <th>Ended</th>
            <th class="num">Took</th>
            <th class="num">Database</th>
            <th class="num">Stored</th>
            <th>Built on</th>
            <th>Proof</th>
            <th>Held</th>
            <th>
              <span class="vh">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {visible.map((backup) => (
            <tr key={backup.label}>
              <td class="w">
                <code>{backup.label}</code>
              </td>
              <td class="nowrap">
                <button type="button" class="link" onClick={() => onMoment(Date.parse(backup.finishedAt))}>
                  {moment(backup.finishedAt, shown, true)}
                </button>
              </td>
              <td class="num" data-l="took">
                {formatDuration(Date.parse(backup.finishedAt) - Date.parse(backup.startedAt))}
              </td>
              <td class="num hide-s">{formatBytes(backup.plainBytes)}</td>
              <td class="num" data-l="stored">
                {formatBytes(backup.storedBytes)}
              </td>
              <td class="hide-s">
                {backup.parent === null || backup.parent === undefined ? (
                  <span class="meta">read whole</span>
                ) : (
                  <code>{backup.parent}</code>
                )}
              </td>
              <td>
                <Proof backup={backup} shown={shown} />
              </td>
              <td>
                {backup.holds.length === 0 ? (
                  <span class="meta hide-s">–</span>
                ) : (
                  backup.holds.map((hold) => <Held key={hold.reason} hold={hold} shown={shown} />)
                )}
              </td>
              <td class="row-acts">
                <Hold session={session} cluster={cluster} repository={repository} backup={backup} onEnd={onChanged} />
                <Act
                  session={session}
                  action="backups/prove"
                  parameters={{ cluster, repository, label: backup.label }}
                  label="Prove"
                  note="A drill: restores it into a scratch directory, looks whether it is what was promised, and removes it again."
                  onEnd={onChanged}
                />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {newest.length > count ? (
        <p class="note">
          <button type="button" class="btn" onClick={() => setCount(count + 10 * PAGE)}>
            Show {Math.min(10 * PAGE, newest.length - count)} older ones
          </button>
        </p>
      ) : null}
    </Panel>
  );
}

function Proof({ backup, shown }: { readonly backup: Backup; readonly shown: Shown }) {
  if (backup.damage !== null) return <Status kind="bad">damaged</Status>;
  if (backup.brokenBy !== null)
    return (
      <>
        <Status kind="bad">broken</Status> <span class="meta">as {backup.brokenBy} found</span>
      </>
    );
  if (backup.suspicion !== null)
    return (
      <>
        <Status kind="bad">{backup.suspicion.kind === 'wrong' ? 'wrong' : 'suspect'}</Status>{' '}
        <span class="meta">{backup.suspicion.why}</span>
      </>
    );
  if (backup.proven === null) return <Status kind="unproven">unproven</Status>;
  return <Status kind="ok">{moment(backup.proven.finishedAt, shown)}</Status>;
}

function Held({ hold, shown }: { readonly hold: Backup['holds'][number]; readonly shown: Shown }) {
  return (
    <>
      {hold.reason}
      <span class="meta"> {hold.until === null ? 'until it is released' : `until ${moment(hold.until, shown)}`}</span>{' '}
    </>
  );
}
