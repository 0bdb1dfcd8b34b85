import { useEffect, useRef, useState } from 'preact/hooks';
import { useAnswer } from '../../answer.ts';
import { useListening } from './listening-context.ts';
import { grouped } from './report.ts';

export type MatchKind = 'listener' | 'artist' | 'album' | 'track';

/** Of the document of `dbadmin spotify find --json`. */
export interface Match {
  readonly kind: MatchKind;
  readonly id: string;
  readonly name: string;
  readonly artist: string | null;
  readonly plays: number;
}

interface NameSearchProps {
  readonly id: string;
  readonly label: string;
  readonly kinds: readonly MatchKind[];
  readonly onChoose: (match: Match) => void;
}

const WORDS: Readonly<Record<MatchKind, string>> = { listener: 'listener', artist: 'artist', album: 'album', track: 'song' };
/** Typing goes on until it pauses for so long. */
const PAUSE_MS = 150;
const EACH = '6';

/** A field that lists what holds the text in its name while it is typed; arrows, Enter and Escape work in it. */
export function NameSearch({ id, label, kinds, onChoose }: NameSearchProps) {
  const { cluster } = useListening();
  const [typed, setTyped] = useState('');
  const [active, setActive] = useState(0);
  const [isOpen, setOpen] = useState(false);
  const asked = usePaused(typed.trim());
  const values = { text: asked, kind: kinds, k: EACH, cluster };
  // A name never begins so to the command line, and one letter alone says too little on a large catalogue.
  const isAsked = asked.length > 1 && !asked.startsWith('-');
  const { answer, failure, isLoading } = useAnswer<{ readonly matches: readonly Match[] }>(isAsked ? 'listening/find' : undefined, values, {
    keepsOld: true,
  });
  const matches = isAsked ? (answer?.document.matches ?? []) : [];
  const choose = (match: Match | undefined): void => {
    if (match === undefined) return;
    setTyped('');
    setOpen(false);
    onChoose(match);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') setOpen(false);
    else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      const step = event.key === 'ArrowDown' ? 1 : -1;
      setOpen(true);
      setActive((at) => (matches.length === 0 ? 0 : (at + step + matches.length) % matches.length));
    } else if (event.key === 'Enter' && isShown) choose(matches[active]);
    else return;
    event.preventDefault();
  };
  const isShown = isOpen && isAsked && (matches.length > 0 || !isLoading);
  const optionId = (at: number): string => `${id}-option-${at}`;
  return (
    <div class="field search">
      <label for={id}>{label}</label>
      <input
        id={id}
        type="search"
        role="combobox"
        list={undefined}
        autocomplete="off"
        spellcheck={false}
        placeholder="a part of its name"
        aria-expanded={isShown}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={isShown && matches.length > 0 ? optionId(active) : undefined}
        value={typed}
        onInput={({ currentTarget }) => {
          setTyped(currentTarget.value);
          setActive(0);
          setOpen(true);
        }}
        onKeyDown={onKeyDown}
        onBlur={() => setOpen(false)}
      />
      <ul id={`${id}-list`} role="listbox" aria-label={label} class="found" hidden={!isShown || matches.length === 0}>
        {matches.map((match, at) => (
          // A press would take the focus from the field, and with it the list, before it is a click.
          <li
            key={`${match.kind} ${match.id}`}
            id={optionId(at)}
            role="option"
            aria-selected={at === active}
            onPointerDown={(event) => event.preventDefault()}
            onClick={() => choose(match)}
          >
            <span class="nm">
              <bdi>{match.name}</bdi>
              <small>
                {WORDS[match.kind]}
                {match.artist === null ? '' : ' by '}
                <bdi>{match.artist}</bdi>
              </small>
            </span>
            <span class="num">{grouped(match.plays)}</span>
          </li>
        ))}
      </ul>
      {isShown && matches.length === 0 ? (
        <p class="found meta" role="status">
          {failure === undefined ? `Nothing holds “${asked}” in its name.` : failure.message}
        </p>
      ) : null}
    </div>
  );
}

/** The text once nobody has typed for a while. */
function usePaused(text: string): string {
  const [paused, setPaused] = useState(text);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => {
    timer.current = setTimeout(() => setPaused(text), PAUSE_MS);
    return () => clearTimeout(timer.current);
  }, [text]);
  return paused;
}
