import { useState } from 'preact/hooks';
import { formatBytes } from '../../../../base/bytes.ts';
import type { Session } from '../../api.ts';
import { Act } from '../../parts/act.tsx';
import { Panel, Status } from '../../parts/panel.tsx';
import { counted, type Shown } from '../../words.ts';
import type { ExpiryDocument, RebuildDocument, SyncDocument } from './documents.ts';
import { KeptTable, outcome } from './kept-panels.tsx';

const EXTENTS = [
  ['', 'structure only'],
  ['5%', '5 % of the content'],
  ['all', 'all content'],
] as const;

interface RepositoryActionsProps {
  readonly session: Session;
  readonly cluster: string;
  readonly repository: string;
  readonly others: readonly string[];
  readonly onEnd: () => void;
}

/** Looking after a repository: each action shows what it would do first, where the command line can tell. */
export function RepositoryActions({ session, cluster, repository, others, onEnd }: RepositoryActionsProps) {
  const [extent, setExtent] = useState('');
  const common = { session, onEnd };
  const place = { cluster, repository };
  const shown: Shown = { now: new Date(), timeZone: session.project.timeZone };
  return (
    <Panel id="upkeep" title="Upkeep" aside={`${cluster} in ${repository}`}>
      <ul class="upkeep">
        <li>
          <div>
            <b>Verify</b>
            <p class="meta">Looks at every object and says what is missing or damaged, and which backups that costs.</p>
          </div>
          <span class="bar">
            <label class="choose">
              Read
              <select value={extent} onChange={({ currentTarget }) => setExtent(currentTarget.value)}>
                {EXTENTS.map(([value, label]) => (
                  <option key={value} value={value}>
                    {label}
                  </option>
                ))}
              </select>
            </label>
            <Act {...common} action="repositories/verify" parameters={{ ...place, extent }} label="Verify" />
          </span>
        </li>
        <li>
          <div>
            <b>Expire and collect</b>
            <p class="meta">Removes what retention lets go, and frees content that nothing needs any more.</p>
          </div>
          <Act<ExpiryDocument>
            {...common}
            action="repositories/expire"
            parameters={place}
            label="Expire"
            review={(plan) => <ExpiryReview plan={plan} shown={shown} />}
            note="What is removed does not come back. Content is marked first and freed by a run that comes when its time of grace has passed."
          />
        </li>
        <li>
          <div>
            <b>Rebuild the indexes</b>
            <p class="meta">
              For a repository that lost index objects, or whose indexes are damaged: from what the packs say of themselves.
            </p>
          </div>
          <Act<RebuildDocument>
            {...common}
            action="repositories/rebuild-index"
            parameters={place}
            label="Rebuild the indexes"
            review={(plan) => <RebuildReview plan={plan} />}
            isNeeded={({ added, replaced }) => added + replaced.length > 0}
          />
        </li>
        {others.map((to) => (
          <li key={to}>
            <div>
              <b>Sync to {to}</b>
              <p class="meta">
                Copies what {repository} has and {to} misses, checked as it is read.
              </p>
            </div>
            <Act<SyncDocument>
              {...common}
              action="repositories/sync"
              parameters={{ cluster, from: repository, to }}
              label={`Sync to ${to}`}
              review={(plan) => <SyncReview plan={plan} />}
            />
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function ExpiryReview({ plan, shown }: { readonly plan: ExpiryDocument; readonly shown: Shown }) {
  return (
    <>
      {plan.repositories.map((each) =>
        'backups' in each ? (
          <div key={each.repository}>
            <p>
              <b>{each.repository}</b>: {outcome(each)}
            </p>
            <KeptTable plan={each} shown={shown} />
          </div>
        ) : (
          <p key={each.repository}>
            <Status kind="bad">{`${each.repository}: ${each.error.message}`}</Status>
          </p>
        ),
      )}
    </>
  );
}

function RebuildReview({ plan: { packs, added, replaced, missing } }: { readonly plan: RebuildDocument }) {
  const isNeeded = added + replaced.length > 0;
  return (
    <>
      <p>
        {isNeeded
          ? `Of ${counted(packs, 'pack')} ${added} are in no index that can stay; ${counted(replaced.length, 'index object')} would be replaced.`
          : `Nothing to rebuild: the indexes name all ${counted(packs, 'pack')} and are whole.`}
      </p>
      {missing.length === 0 ? null : (
        <p>
          <Status kind="bad">{`${counted(missing.length, 'pack')} named by an index and not there: bring them back from a copy`}</Status>
        </p>
      )}
    </>
  );
}

function SyncReview({ plan: { from, to, backups, left, failed } }: { readonly plan: SyncDocument }) {
  return (
    <>
      <p>
        {backups.length === 0
          ? `${to} has all backups of ${from} that its retention would keep; WAL, dumps, holds and reports that it misses are copied.`
          : `Copies ${counted(backups.length, 'backup')} from ${from} to ${to}, with the WAL that it misses:`}
      </p>
      <ul class="plain">
        {backups.map(({ label, storedBytes }) => (
          <li key={label}>
            <code>{label}</code>{' '}
            <span class="meta">
              {formatBytes(storedBytes)} as stored in {from}
            </span>
          </li>
        ))}
      </ul>
      {left.length === 0 ? null : (
        <p class="meta">
          {left.length} that the retention of {to} would not keep are left.
        </p>
      )}
      {failed.map(({ name, problem }) => (
        <p key={name}>
          <Status kind="bad">{`${name} cannot be copied: ${problem}.`}</Status>
        </p>
      ))}
    </>
  );
}
