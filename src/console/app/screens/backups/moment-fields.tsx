import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Preflight } from './documents.ts';
import { parseTyped, stamp } from './zoned-time.ts';

/** A marked moment that can be gone to. */
export interface Jump {
  readonly atMs: number;
  readonly label: string;
}

interface MomentFieldsProps {
  readonly atMs: number;
  readonly timeZone: string;
  readonly jumps: readonly Jump[];
  readonly plan: Preflight | undefined;
  readonly onMoment: (atMs: number) => void;
}

const STEPS: readonly (readonly [label: string, stepMs: number])[] = [
  ['− 1 h', -3_600_000],
  ['− 1 min', -60_000],
  ['− 1 s', -1000],
  ['+ 1 s', 1000],
  ['+ 1 min', 60_000],
  ['+ 1 h', 3_600_000],
];

/** The moment as text, by marks, by steps and by commits. */
export function MomentFields({ atMs, timeZone, jumps, plan, onMoment }: MomentFieldsProps) {
  const [text, setText] = useState(stamp(atMs, timeZone));
  const [why, setWhy] = useState<string>();
  // A hundred of them, and the moment moves with each frame.
  const options = useMemo(
    () =>
      jumps.map(({ label }, index) => (
        <option key={label} value={index}>
          {label}
        </option>
      )),
    [jumps],
  );
  useEffect(() => {
    setText(stamp(atMs, timeZone));
    setWhy(undefined);
  }, [atMs, timeZone]);
  const take = (): void => {
    const typed = parseTyped(text, timeZone);
    if (typed.kind === 'refused') setWhy(typed.why);
    else {
      setWhy(undefined);
      onMoment(typed.atMs);
    }
  };
  return (
    <div class="moment">
      <form
        class="bar"
        onSubmit={(event) => {
          event.preventDefault();
          take();
        }}
      >
        <label class="field">
          Moment, in {timeZone} or with its offset
          <input
            type="text"
            size={30}
            value={text}
            spellcheck={false}
            autocomplete="off"
            aria-invalid={why !== undefined}
            aria-describedby={why === undefined ? undefined : 'moment-why'}
            onInput={({ currentTarget }) => setText(currentTarget.value)}
            onBlur={take}
          />
        </label>
        <label class="field">
          or a mark
          <select
            value=""
            disabled={jumps.length === 0}
            onChange={({ currentTarget }) => {
              const jump = jumps[Number(currentTarget.value)];
              if (currentTarget.value !== '' && jump !== undefined) onMoment(jump.atMs);
            }}
          >
            <option value="">{jumps.length === 0 ? 'none' : 'choose…'}</option>
            {options}
          </select>
        </label>
      </form>
      {why === undefined ? null : (
        <p id="moment-why" class="st bad wraps" role="alert">
          {why}
        </p>
      )}
      <div class="bar steps" role="group" aria-label="Move the moment">
        <Step label="‹ commit" name="To before the last commit that comes back" toMs={commitMs(plan?.before, -1)} onMoment={onMoment} />
        {STEPS.map(([label, stepMs]) => (
          <Step key={label} label={label} toMs={atMs + stepMs} onMoment={onMoment} />
        ))}
        <Step label="commit ›" name="To the first commit that does not come back" toMs={commitMs(plan?.after, 1)} onMoment={onMoment} />
      </div>
    </div>
  );
}

/** Moments have whole milliseconds here, and commits microseconds: one less is surely before it, one more surely after. */
function commitMs(commit: { readonly time: string } | null | undefined, side: -1 | 1): number | undefined {
  return commit === null || commit === undefined ? undefined : Date.parse(commit.time) + side;
}

interface StepProps {
  readonly label: string;
  readonly name?: string;
  readonly toMs: number | undefined;
  readonly onMoment: (atMs: number) => void;
}

function Step({ label, name, toMs, onMoment }: StepProps) {
  return (
    <button
      type="button"
      class="btn"
      title={name}
      aria-label={name}
      disabled={toMs === undefined}
      onClick={() => void (toMs !== undefined && onMoment(toMs))}
    >
      {label}
    </button>
  );
}
