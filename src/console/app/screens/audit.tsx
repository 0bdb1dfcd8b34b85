import { useEffect, useState } from 'preact/hooks';
import { ask, failureOf, type AuditEntry, type AuditTrail, type Failure } from '../api.ts';
import { useLive } from '../live.tsx';
import { Select } from '../parts/choices.tsx';
import { download } from '../parts/download.ts';
import { Panel } from '../parts/panel.tsx';
import { Empty, Failed, Loading } from '../parts/states.tsx';
import { useQuery } from '../query.ts';
import type { ScreenProps } from '../screen.ts';
import { counted, type Shown } from '../words.ts';
import { auditCsv, filterEntries, readAuditFilter, type AuditFilter } from './audit/audit-filter.ts';
import { AuditTable, Soundness } from './audit/audit-table.tsx';
import { RunsPanel } from './runs-panel.tsx';

const FIRST = 100;
const NO_FILTER = { who: undefined, cluster: undefined, outcome: undefined, kind: undefined, text: undefined };

/** Who did what through this console, the newest first, and whether anybody changed the record of it. */
export function Audit({ session }: ScreenProps) {
  const { answer } = useLive();
  const [query, setQuery] = useQuery();
  const [trail, setTrail] = useState<AuditTrail>();
  const [failure, setFailure] = useState<Failure>();
  const [isWhole, setWhole] = useState(false);
  const look = async (): Promise<void> => {
    setFailure(undefined);
    try {
      setTrail(await ask<AuditTrail>('/api/audit'));
    } catch (error) {
      setFailure(failureOf(error));
    }
  };
  // With every look at the project: what others do shows as soon.
  useEffect(() => void look(), [answer?.status.at]);
  const shown: Shown = { now: new Date(answer?.status.at ?? Date.now()), timeZone: session.project.timeZone };
  const filter = readAuditFilter(query);
  const entries = trail === undefined ? [] : filterEntries(trail.entries, filter).toReversed();
  return (
    <>
      <div class="page">
        <div>
          <h1>Audit trail</h1>
          <p class="meta">Every sign-in and every action, written down before it was done</p>
        </div>
      </div>
      {failure === undefined ? null : <Failed failure={failure} again={() => void look()} />}
      {trail === undefined ? failure === undefined ? <Loading what="the audit trail" /> : null : <Soundness trail={trail} />}
      {trail === undefined ? null : trail.entries.length === 0 ? (
        <Empty title="Nothing has been done yet">
          <p class="meta">The first sign-in begins the trail.</p>
        </Empty>
      ) : (
        <div class="stackv">
          <RunsPanel session={session} shown={shown} />
          <Panel
            id="trail"
            title="Entries"
            aside={
              entries.length === trail.entries.length
                ? counted(entries.length, 'entry', 'entries')
                : `${entries.length} of ${trail.entries.length}`
            }
          >
            <Filters trail={trail} filter={filter} onChange={setQuery} />
            {entries.length === 0 ? (
              <Empty title="No entry is like that">
                <button type="button" class="btn" onClick={() => setQuery(NO_FILTER)}>
                  Show all {trail.entries.length}
                </button>
              </Empty>
            ) : (
              <AuditTable entries={isWhole ? entries : entries.slice(0, FIRST)} shown={shown} />
            )}
            {isWhole || entries.length <= FIRST ? null : (
              <p class="note">
                <button type="button" class="btn" onClick={() => setWhole(true)}>
                  Show {entries.length - FIRST} older ones
                </button>
              </p>
            )}
            <Export entries={entries} />
          </Panel>
        </div>
      )}
    </>
  );
}

interface FiltersProps {
  readonly trail: AuditTrail;
  readonly filter: AuditFilter;
  readonly onChange: (changes: Readonly<Record<string, string | undefined>>) => void;
}

function Filters({ trail: { entries }, filter, onChange }: FiltersProps) {
  const people = [...new Set(entries.map(({ who }) => who))].toSorted();
  const clusters = [...new Set(entries.flatMap(({ cluster }) => cluster ?? []))].toSorted();
  const all = (names: readonly string[]) => [['', 'All'] as const, ...names.map((name) => [name, name] as const)];
  return (
    <div class="bar filters">
      <Select label="Who" value={filter.who ?? ''} onChoose={(who) => onChange({ who })} choices={all(people)} />
      <Select
        label="What"
        value={filter.kind ?? ''}
        onChoose={(kind) => onChange({ kind })}
        choices={[
          ['', 'All'],
          ['actions', 'Actions'],
          ['sign-ins', 'Sign-ins'],
        ]}
      />
      {clusters.length === 0 ? null : (
        <Select label="Cluster" value={filter.cluster ?? ''} onChoose={(cluster) => onChange({ cluster })} choices={all(clusters)} />
      )}
      <Select
        label="Outcome"
        value={filter.outcome ?? ''}
        onChoose={(outcome) => onChange({ outcome })}
        choices={[
          ['', 'All'],
          ['done', 'Done'],
          ['failed', 'Failed'],
          ['refused', 'Refused'],
          ['begun', 'Begun'],
          ['open', 'Begun, without an end'],
        ]}
      />
      <label class="field">
        Text
        <input
          type="search"
          value={filter.text}
          placeholder="command, name, address"
          onInput={({ currentTarget }) => onChange({ text: currentTarget.value })}
        />
      </label>
    </div>
  );
}

/** Of what is shown, oldest first, as the file has it. */
function Export({ entries }: { readonly entries: readonly AuditEntry[] }) {
  if (entries.length === 0) return null;
  const ordered = entries.toReversed();
  return (
    <p class="note bar">
      <span>Save {counted(entries.length, 'entry', 'entries')} as</span>
      <button
        type="button"
        class="btn"
        onClick={() => download('dbadmin-audit.jsonl', ordered.map((entry) => `${JSON.stringify(entry)}\n`).join(''))}
      >
        JSON lines
      </button>
      <button type="button" class="btn" onClick={() => download('dbadmin-audit.csv', auditCsv(ordered))}>
        CSV
      </button>
    </p>
  );
}
