import { useId, useState } from 'preact/hooks';

interface TypedFieldProps {
  readonly label: string;
  readonly value: string;
  /** What is wrong with it; said once somebody has left the field, for half a date is not wrong yet. */
  readonly problem: string | undefined;
  readonly placeholder?: string;
  readonly onType: (text: string) => void;
}

/** A field whose text has to mean something: a moment, how long. */
export function TypedField({ label, value, problem, placeholder, onType }: TypedFieldProps) {
  const [isLeft, setLeft] = useState(false);
  const why = useId();
  const isTold = isLeft && problem !== undefined;
  return (
    <>
      <label class="field">
        {label}
        <input
          type="text"
          value={value}
          maxLength={40}
          placeholder={placeholder}
          spellcheck={false}
          autocomplete="off"
          aria-invalid={isTold}
          aria-describedby={isTold ? why : undefined}
          onInput={({ currentTarget }) => onType(currentTarget.value)}
          onBlur={() => setLeft(true)}
        />
      </label>
      {isTold ? (
        <p id={why} class="st bad wraps" role="alert">
          {problem}
        </p>
      ) : null}
    </>
  );
}
