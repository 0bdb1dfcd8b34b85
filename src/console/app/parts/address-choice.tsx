import { useQuery } from '../query.ts';

interface AddressChoiceProps {
  readonly label: string;
  /** Under which name the choice stands in the query. */
  readonly name: string;
  readonly options: readonly string[];
  readonly value: string;
  /** Names of the query that mean nothing any more when another is chosen. */
  readonly clears?: readonly string[];
  /** An option as people read it. */
  readonly wordsOf?: (option: string) => string;
}

/** A choice that the address keeps. With one option there is nothing to choose. */
export function AddressChoice({ label, name, options, value, clears = [], wordsOf = (option) => option }: AddressChoiceProps) {
  const [, setQuery] = useQuery();
  if (options.length < 2) return null;
  const onChange = (chosen: string): void => setQuery({ ...Object.fromEntries(clears.map((each) => [each, undefined])), [name]: chosen });
  return (
    <label class="choose">
      {label}
      <select value={value} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
        {options.map((option) => (
          <option key={option} value={option}>
            {wordsOf(option)}
          </option>
        ))}
      </select>
    </label>
  );
}
