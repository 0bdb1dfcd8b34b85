import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';

/** What can be chosen, by what stands for it: `[['14d', '14 days'], …]`. */
export type Choices<Value extends string> = readonly (readonly [Value, string])[];

interface ChooseProps<Value extends string> {
  readonly label: string;
  readonly choices: Choices<Value>;
  readonly value: Value;
  readonly onChoose: (value: Value) => void;
}

/** A few choices side by side, one of them pressed. */
export function Segments<Value extends string>({ label, choices, value, onChoose }: ChooseProps<Value>) {
  return (
    <span class="seg" role="group" aria-label={label}>
      {choices.map(([each, words]) => (
        <button key={each} type="button" aria-pressed={each === value} onClick={() => onChoose(each)}>
          {words}
        </button>
      ))}
    </span>
  );
}

/** A list to choose from, with its label above. */
export function Select<Value extends string>({ label, choices, value, onChoose }: ChooseProps<Value>) {
  return (
    <label class="field">
      {label}
      <select value={value} onChange={({ currentTarget }) => onChoose(currentTarget.value as Value)}>
        {choices.map(([each, words]) => (
          <option key={each} value={each}>
            {words}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Choosing what stands below: the panel of the chosen tab is `children`. Arrows go from tab to tab. */
export function Tabs<Value extends string>({
  label,
  choices,
  value,
  onChoose,
  children,
}: ChooseProps<Value> & { readonly children: ComponentChildren }) {
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  // Where they do not all fit, the chosen one is in sight.
  useEffect(() => {
    const chosen = list.current?.querySelector('[aria-selected="true"]')?.getBoundingClientRect();
    const whole = list.current?.getBoundingClientRect();
    if (chosen === undefined || whole === undefined) return;
    list.current?.scrollBy({ left: chosen.left + chosen.width / 2 - whole.left - whole.width / 2 });
  }, [value]);
  const onKeyDown = (event: KeyboardEvent): void => {
    const at = choices.findIndex(([each]) => each === value);
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -at, End: choices.length - 1 - at }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = (at + step + choices.length) % choices.length;
    const [chosen] = choices[next] ?? [value];
    onChoose(chosen);
    list.current?.querySelectorAll<HTMLElement>('[role=tab]')[next]?.focus();
  };
  return (
    <>
      <div ref={list} class="tabs" role="tablist" aria-label={label} onKeyDown={onKeyDown}>
        {choices.map(([each, words]) => (
          <button
            key={each}
            type="button"
            role="tab"
            id={`${id}-${each}`}
            aria-selected={each === value}
            aria-controls={each === value ? `${id}-panel` : undefined}
            tabIndex={each === value ? 0 : -1}
            onClick={() => onChoose(each)}
          >
            {words}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${value}`}>
        {children}
      </div>
    </>
  );
}

/** What is chosen, each taken out by a click: filters that are in force. */
export function Chips({ chosen, onRemove }: { readonly chosen: Choices<string>; readonly onRemove: (value: string) => void }) {
  if (chosen.length === 0) return null;
  return (
    <ul class="chips" aria-label="Chosen">
      {chosen.map(([each, words]) => (
        <li key={each}>
          <button type="button" class="chip" aria-label={`Remove ${words}`} onClick={() => onRemove(each)}>
            {words}
          </button>
        </li>
      ))}
    </ul>
  );
}

/** A flag, with what it means beside it. */
export function Check({
  label,
  isSet,
  onSet,
}: {
  readonly label: string;
  readonly isSet: boolean;
  readonly onSet: (isSet: boolean) => void;
}) {
  return (
    <label class="check">
      <input type="checkbox" checked={isSet} onChange={({ currentTarget }) => onSet(currentTarget.checked)} />
      {label}
    </label>
  );
}
