import { formatBytes } from '../../../../base/bytes.ts';
import { Panel, Status } from '../../parts/panel.tsx';
import { Empty } from '../../parts/states.tsx';
import { Command } from '../../parts/command.tsx';
import { counted, moment, type Shown } from '../../words.ts';
import type { BackupsDocument } from './documents.ts';

type Backup = BackupsDocument['backups'][number];

/** The strip holds what fits on a line; the table below it holds all. */
const STRIP = 60;

/** Which backups a drill has proven; the newest stand at the right. */
export function CoveragePanel({
  cluster,
  backups,
  shown,
}: {
  readonly cluster: string;
  readonly backups: readonly Backup[];
  readonly shown: Shown;
}) {
  const proven = backups.filter(({ proven: drill }) => drill !== null).length;
  if (backups.length === 0) {
    return (
      <Panel id="coverage" title="Backups proven">
        <Empty title="No backup yet">
          <p class="meta">There is nothing to prove.</p>
          <Command text={`dbadmin backup run --cluster ${cluster}`} />
        </Empty>
      </Panel>
    );
  }
  const strip = backups.slice(-STRIP);
  return (
    <Panel id="coverage" title="Backups proven" aside={`${proven} of ${backups.length}`}>
      <div class="body">
        <ul class="strip" aria-label={`${proven} of ${counted(backups.length, 'backup')} proven`}>
          {strip.map((backup) => (
            <li key={backup.label} class={stripOf(backup)} title={`${backup.label}: ${WORDS[stateOf(backup)][1]}`}>
              <span class="vh">
                {backup.label}: {WORDS[stateOf(backup)][1]}
              </span>
            </li>
          ))}
        </ul>
        {backups.length > STRIP ? (
          <p class="meta">
            the newest {STRIP} of {backups.length}
          </p>
        ) : null}
        <p class="legend">
          {(['proven', 'unproven', 'damaged'] as const).map((state) => (
            <span key={state}>
              <i class={`strip-key ${state}`} /> {state === 'damaged' ? 'damaged or suspect' : state}
            </span>
          ))}
          <span>newest at the right</span>
        </p>
        <details class="twin">
          <summary>Numbers as a table</summary>
          <table class="stackt">
            <thead>
              <tr>
                <th>Backup</th>
                <th>Ended</th>
                <th>Kind</th>
                <th class="num">Database</th>
                <th>State</th>
                <th>Proven by</th>
              </tr>
            </thead>
            <tbody>
              {backups.toReversed().map((backup) => (
                <tr key={backup.label}>
                  <th scope="row">
                    <code>{backup.label}</code>
                  </th>
                  <td class="nowrap">{moment(backup.finishedAt, shown)}</td>
                  <td>{backup.kind}</td>
                  <td class="num">{formatBytes(backup.plainBytes)}</td>
                  <td>
                    <Status kind={WORDS[stateOf(backup)][0]}>{WORDS[stateOf(backup)][1]}</Status>
                  </td>
                  <td>{backup.proven === null ? '–' : `drill of ${moment(backup.proven.finishedAt, shown)}`}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </details>
      </div>
    </Panel>
  );
}

const WORDS = {
  proven: ['ok', 'proven'],
  unproven: ['unproven', 'unproven'],
  damaged: ['bad', 'damaged'],
  suspect: ['bad', 'suspect'],
} as const;

/** Drawn as damaged: neither is to be relied on. */
function stripOf(backup: Backup): Exclude<keyof typeof WORDS, 'suspect'> {
  const state = stateOf(backup);
  return state === 'suspect' ? 'damaged' : state;
}

function stateOf({ damage, suspicion, proven }: Backup): keyof typeof WORDS {
  if (damage !== null) return 'damaged';
  if (suspicion !== null) return 'suspect';
  return proven === null ? 'unproven' : 'proven';
}
