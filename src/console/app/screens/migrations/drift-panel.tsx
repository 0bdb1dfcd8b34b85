import { useState } from 'preact/hooks';
import { useAnswer } from '../../answer.ts';
import type { Session } from '../../api.ts';
import { Diff } from '../../parts/diff-view.tsx';
import { Panel, Status } from '../../parts/panel.tsx';
import { Failed, Loading } from '../../parts/states.tsx';
import { counted, moment, type Shown } from '../../words.ts';
import type { Difference, VerifyDocument } from './documents.ts';

interface DriftPanelProps {
  readonly session: Session;
  readonly cluster: string;
  readonly shown: Shown;
}

/** Whether the database is what its files make. All files are replayed on an empty server for it, so it runs when somebody asks. */
export function DriftPanel({ session, cluster, shown }: DriftPanelProps) {
  const [isAsked, setAsked] = useState(false);
  return (
    <Panel id="drift" title="Drift" aside={isAsked ? undefined : 'files, sql/schema.sql and database compared'}>
      {isAsked ? (
        <Compared session={session} cluster={cluster} shown={shown} />
      ) : (
        <div class="body stackv">
          <p class="meta">Replays all files on an empty scratch server and compares what they make with the database, object by object.</p>
          <p>
            <button type="button" class="btn" onClick={() => setAsked(true)}>
              Compare now
            </button>
          </p>
        </div>
      )}
    </Panel>
  );
}

function Compared({ session, cluster, shown }: DriftPanelProps) {
  const { answer, failure, isLoading, again } = useAnswer<VerifyDocument>('migrations/drift', { cluster });
  if (answer === undefined)
    return failure === undefined ? <Loading what="what the files make, on an empty server" /> : <Failed failure={failure} again={again} />;
  const { migrations, routines, major, live, schemaFile } = answer.document;
  return (
    <div class="body stackv">
      <p class="meta">
        {counted(migrations, 'migration')} and {counted(routines, 'routine')} replayed on PostgreSQL {major},{' '}
        {moment(answer.askedAt, shown, true)}
      </p>
      {live === null ? null : (
        <Differences what={`Database ${live.database}`} differences={live.differences} sides={['the files make', 'the database has']} />
      )}
      {schemaFile === null ? (
        <p class="meta">
          There is no schema file to compare with: <code>dbadmin migrate dump</code> writes it.
        </p>
      ) : (
        <Differences what={schemaFile.file} differences={schemaFile.differences} sides={['the file has', 'the migrations make']} />
      )}
      <p class="bar">
        <button type="button" class="btn" disabled={isLoading} onClick={again}>
          {isLoading ? 'Comparing' : 'Compare again'}
        </button>
        {session.role === 'operator' ? null : (
          <span class="meta">One comparison runs at a time, and what it said stands for viewers for five minutes.</span>
        )}
      </p>
    </div>
  );
}

function Differences({
  what,
  differences,
  sides,
}: {
  readonly what: string;
  readonly differences: readonly Difference[];
  readonly sides: readonly [string, string];
}) {
  if (differences.length === 0) {
    return (
      <p>
        <Status kind="ok">{what} is what the files make</Status>
      </p>
    );
  }
  return (
    <div class="stackv">
      <p>
        <Status kind="bad">{`${what}: ${counted(differences.length, 'difference')}`}</Status>
      </p>
      {differences.map(({ change, type, name, diff }) => (
        <section key={`${type} ${name}`} aria-label={`${type} ${name}`}>
          <p class="bar">
            <b>
              {type} <code>{name}</code>
            </b>
            <span class="tag">{change}</span>
          </p>
          {diff.length === 0 ? null : <Diff lines={diff} label={`Difference of ${type} ${name}`} sides={sides} />}
        </section>
      ))}
    </div>
  );
}
