import { useState } from 'preact/hooks';
import type { Session } from '../../api.ts';
import { Act } from '../../parts/act.tsx';
import { TypedField } from '../../parts/typed-field.tsx';
import { parseTyped, stamp } from '../backups/zoned-time.ts';

const TARGETS = [
  ['latest', 'the latest moment'],
  ['random', 'a random moment'],
  ['moment', 'a moment I name'],
] as const;
type Target = (typeof TARGETS)[number][0];

interface StartDrillProps {
  readonly session: Session;
  readonly cluster: string;
  readonly repository: string;
  readonly onEnd: () => void;
}

/** Restores into a scratch directory of the console's machine and looks whether it is what was promised. */
export function StartDrill({ session, cluster, repository, onEnd }: StartDrillProps) {
  const [target, setTarget] = useState<Target>('latest');
  const [moment, setMoment] = useState('');
  const { timeZone } = session.project;
  const isNamed = target === 'moment';
  const parsed = parseTyped(moment, timeZone);
  const isPast = parsed.kind === 'moment' && parsed.atMs <= Date.now();
  const problem = parsed.kind === 'refused' ? parsed.why : isPast ? undefined : 'That is still to come.';
  return (
    <>
      <label class="choose">
        Restore to
        <select
          value={target}
          onChange={({ currentTarget }) => setTarget(TARGETS.find(([each]) => each === currentTarget.value)?.[0] ?? 'latest')}
        >
          {TARGETS.map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      </label>
      {isNamed ? (
        <TypedField
          label={`Moment, in ${timeZone} or with its offset`}
          value={moment}
          problem={moment.trim() === '' ? undefined : problem}
          placeholder="2026-11-21 14:03:07+05:30"
          onType={setMoment}
        />
      ) : null}
      <Act
        session={session}
        action="drills/start"
        parameters={{
          cluster,
          repository,
          target: isNamed ? undefined : target,
          to: isNamed && parsed.kind === 'moment' ? stamp(parsed.atMs, timeZone) : undefined,
        }}
        isReady={!isNamed || isPast}
        label="Start a drill"
        isPrimary
        note="Restores into a scratch directory of the machine the console runs on, starts the clone where nobody else can reach it, and removes it again. The cluster is not touched; the signed report goes into the repository."
        onEnd={onEnd}
      />
    </>
  );
}
