import { useId, useState } from 'preact/hooks';
import type { Values } from '../../answer.ts';
import { Select } from '../../parts/choices.tsx';
import { parseUntil } from '../backups/hold-until.ts';

const ENDS = [
  ['', 'when it is resumed'],
  ['30m', 'after 30 min'],
  ['2h', 'after 2 h'],
  ['8h', 'after 8 h'],
  ['1d', 'after a day'],
  ['7d', 'after a week'],
  ['moment', 'at a moment'],
] as const;
type End = (typeof ENDS)[number][0];

export interface Pausing {
  readonly end: End;
  readonly moment: string;
  readonly reason: string;
}

/** What somebody wants of a pause, and how it is changed. */
export function usePausing(): readonly [Pausing, (change: Partial<Pausing>) => void] {
  const [pausing, setPausing] = useState<Pausing>({ end: '', moment: '', reason: '' });
  return [pausing, (change) => setPausing((before) => ({ ...before, ...change }))];
}

/** As the action takes it. */
export function pauseValues({ end, moment, reason }: Pausing): Values {
  return { reason, for: end === 'moment' ? '' : end, until: end === 'moment' ? moment : '' };
}

/** Why it cannot be paused so; undefined where it can, and while the moment is not stated. */
export function pauseProblem({ end, moment }: Pausing, timeZone: string): string | undefined {
  if (end !== 'moment' || moment === '') return undefined;
  const until = parseUntil(moment, timeZone, Date.now());
  return until.kind === 'refused' ? until.why : undefined;
}

/** Whether all that a pause needs is stated. */
export function isPauseReady(pausing: Pausing, timeZone: string): boolean {
  return (pausing.end !== 'moment' || pausing.moment !== '') && pauseProblem(pausing, timeZone) === undefined;
}

/** How long and why. */
export function PauseFields({
  pausing,
  change,
  timeZone,
}: {
  readonly pausing: Pausing;
  readonly change: (change: Partial<Pausing>) => void;
  readonly timeZone: string;
}) {
  const problem = pauseProblem(pausing, timeZone);
  const why = useId();
  return (
    <>
      <Select label="A pause ends" choices={ENDS} value={pausing.end} onChoose={(end) => change({ end })} />
      {pausing.end === 'moment' ? (
        <label class="field">
          Moment, {timeZone}
          <input
            type="datetime-local"
            value={pausing.moment}
            aria-invalid={problem !== undefined}
            aria-describedby={problem === undefined ? undefined : why}
            onInput={({ currentTarget }) => change({ moment: currentTarget.value })}
          />
        </label>
      ) : null}
      {problem === undefined ? null : (
        <p id={why} class="st bad wraps" role="alert">
          {problem}
        </p>
      )}
      <label class="field">
        Reason of a pause
        <input
          type="text"
          value={pausing.reason}
          maxLength={200}
          onInput={({ currentTarget }) => change({ reason: currentTarget.value })}
        />
      </label>
    </>
  );
}
