import { useAnswer } from '../../answer.ts';
import type { Session } from '../../api.ts';
import { Act } from '../../parts/act.tsx';
import { Panel, Status } from '../../parts/panel.tsx';
import { Failed, Loading } from '../../parts/states.tsx';
import { useQuery } from '../../query.ts';
import { moment, type Shown } from '../../words.ts';
import type { RollbackDocument, StatusDocument, Tier } from './documents.ts';

const TIERS = [
  ['down', 'Down', 'The down sections of the files run. Data that is gone does not come back by it.'],
  ['rescue', 'Rescue', 'Only what was lost is copied from a clone at the restore point into a schema of its own; the migrations stay.'],
  ['pitr', 'Point in time', 'The whole cluster as it was, in a new directory beside this one.'],
] as const;

interface WaysBackProps {
  readonly session: Session;
  readonly cluster: string;
  readonly status: StatusDocument;
  readonly shown: Shown;
  /** Something was applied or undone: figures are to be asked for again. */
  readonly onDone: () => void;
}

/** The three ways back from a migration, with what each costs; looked at only when somebody asks, for it reads the stored WAL. */
export function WaysBack({ session, cluster, status, shown, onDone }: WaysBackProps) {
  const [query, setQuery] = useQuery();
  const applied = status.migrations.filter(({ state }) => state === 'applied' || state === 'changed' || state === 'missing').toReversed();
  const to = query['back'];
  // After the last one was undone its log still stands here.
  if (applied.length === 0 && to === undefined) return null;
  // Going back over a version means that the one before it stays the newest.
  const choices = applied.map(({ version, file, appliedAt }, at) => ({ version, file, appliedAt, stays: applied[at + 1]?.version ?? '0' }));
  return (
    <Panel id="ways-back" title="Ways back" aside="what each costs, before anything is touched">
      <div class="body stackv">
        <label class="field narrow">
          Undo this version and all that are newer
          <select
            value={to ?? ''}
            onChange={({ currentTarget }) => setQuery({ back: currentTarget.value === '' ? undefined : currentTarget.value })}
          >
            <option value="">Choose a version</option>
            {choices.map(({ version, file, appliedAt, stays }) => (
              <option key={version} value={stays}>
                {file}
                {appliedAt === null ? '' : `, applied ${moment(appliedAt, shown)}`}
              </option>
            ))}
          </select>
        </label>
        {to === undefined ? null : <Tiers session={session} cluster={cluster} to={to} onDone={onDone} />}
      </div>
    </Panel>
  );
}

function Tiers({ session, cluster, to, onDone }: Pick<WaysBackProps, 'session' | 'cluster' | 'onDone'> & { readonly to: string }) {
  const { answer, failure, again } = useAnswer<RollbackDocument>('migrations/ways-back', { cluster, to });
  if (answer === undefined)
    return failure === undefined ? <Loading what="what each way back costs" /> : <Failed failure={failure} again={again} />;
  const { tiers, losses, unseen, versions, pitrLoss } = answer.document;
  if (tiers === null) return <p class="meta">Nothing is newer than {to}.</p>;
  return (
    <>
      <Losses losses={losses} unseen={unseen} versions={versions.length} />
      <ul class="tiers">
        {TIERS.map(([name, title, what]) => (
          <li key={name}>
            <p class="bar">
              <b>{title}</b>
              {tiers[name].possible ? <Status kind="ok">possible</Status> : <Status kind="off">not possible</Status>}
            </p>
            <p class="meta">{what}</p>
            <Why tier={tiers[name]} />
            {!tiers[name].possible ? null : name === 'pitr' ? (
              <p>
                <a href={momentOnBackups(cluster, pitrLoss?.at)}>Restore beside it: look at that moment on Backups</a>
              </p>
            ) : (
              <Act<RollbackDocument>
                session={session}
                action="migrations/rollback"
                parameters={{ cluster, to, tier: name }}
                label={name === 'down' ? 'Undo by down sections' : 'Rescue what was lost'}
                review={(plan) => <RollbackReview plan={plan} tier={name} />}
                isNeeded={({ tiers: planned }) => planned?.[name].possible === true}
                onEnd={onDone}
              />
            )}
          </li>
        ))}
      </ul>
    </>
  );
}

/** Backups with the cluster, and the moment before the first of the migrations, chosen. */
function momentOnBackups(cluster: string, at: string | undefined): string {
  return `/backups?${new URLSearchParams({ cluster, ...(at === undefined ? {} : { at }) }).toString()}`;
}

function Losses({ losses, unseen, versions }: Pick<RollbackDocument, 'losses' | 'unseen'> & { readonly versions: number }) {
  const over = versions === 1 ? 'this version' : `these ${versions} versions`;
  if (losses.length + unseen.length === 0) return <p class="meta">As far as the statements tell, {over} took nothing away.</p>;
  return (
    <div>
      <p>
        <b>Taken away by {over}</b>
      </p>
      <ul class="plain">
        {losses.map(({ what, by, gone, madeByRun }) => (
          <li key={what}>
            <code>{what}</code>{' '}
            <span class="meta">
              by {by}
              {gone === false ? '; there is one of that name now' : ''}
              {madeByRun ? '; the same run had made it' : ''}
            </span>
          </li>
        ))}
        {unseen.map(({ what, by }) => (
          <li key={what}>
            <span class="meta">
              perhaps more: {what} ({by})
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Why({ tier }: { readonly tier: Tier }) {
  return (
    <ul class="plain">
      {tier.why.map((why) => (
        <li key={why}>{why}</li>
      ))}
    </ul>
  );
}

function RollbackReview({ plan, tier }: { readonly plan: RollbackDocument; readonly tier: 'down' | 'rescue' }) {
  return (
    <>
      <p>
        {tier === 'down' ? 'Undoes, newest first, in ' : 'Copies what these took away, in '}
        <b>{plan.database}</b>:
      </p>
      <ul class="plain">
        {plan.versions.map(({ version, file }) => (
          <li key={version}>
            <code>{file}</code>
          </li>
        ))}
      </ul>
      <Losses losses={plan.losses} unseen={plan.unseen} versions={plan.versions.length} />
      {plan.tiers === null ? null : <Why tier={plan.tiers[tier]} />}
    </>
  );
}
