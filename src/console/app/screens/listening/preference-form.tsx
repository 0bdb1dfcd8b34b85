import { useEffect, useRef, useState } from 'preact/hooks';
import { useAnswer } from '../../answer.ts';
import { featureName } from './habits.tsx';
import { NameSearch } from './name-search.tsx';
import { useListening } from './listening-context.ts';
import type { Preference } from './preference.ts';

interface Choices {
  readonly features: readonly { readonly feature: string; readonly least: number; readonly most: number; readonly mean: number }[];
  readonly genres: readonly { readonly genre: string; readonly songs: number }[];
}

interface FormProps {
  readonly preference: Preference;
  readonly set: (change: Partial<Preference>) => void;
}

/** A slider that is moved is heard once it rests for so long. */
const REST_MS = 250;
const POPULAR = 0.2;

export function PreferenceForm({ preference, set }: FormProps) {
  switch (preference.by) {
    case 'listener':
      return <Heard preference={preference} set={set} />;
    case 'after':
    case 'sound':
      return <Songs preference={preference} set={set} most={1} />;
    case 'preference':
      return (
        <>
          <Songs preference={preference} set={set} most={20} />
          <Tastes preference={preference} set={set} />
          <Unheard preference={preference} set={set} />
        </>
      );
  }
}

function Heard({ preference: { heard }, set }: FormProps) {
  return (
    <label class="field">
      Of what they heard
      <select value={heard} onChange={({ currentTarget }) => set({ heard: currentTarget.value as Preference['heard'] })}>
        <option value="never">nothing: only what is new to them</option>
        <option value="not-recently">what they did not hear for 30 days</option>
        <option value="any">anything</option>
      </select>
    </label>
  );
}

function Unheard({ preference: { isUnheardOnly }, set }: FormProps) {
  const { filters } = useListening();
  const { listener } = filters;
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={isUnheardOnly && listener !== undefined}
        disabled={listener === undefined}
        onChange={({ currentTarget }) => set({ isUnheardOnly: currentTarget.checked })}
      />{' '}
      Leave out what {listener === undefined ? 'the chosen listener' : <bdi>{listener}</bdi>} heard or saved
    </label>
  );
}

/** Songs that the choice rests on; a new one takes the place of the only one there may be. */
function Songs({ preference: { songs }, set, most }: FormProps & { readonly most: number }) {
  const shown = songs.slice(0, most);
  return (
    <div class="stackv tight">
      <NameSearch
        id="seed"
        label={most === 1 ? 'Song' : 'Songs they like'}
        kinds={['track']}
        onChoose={({ id, name }) => set({ songs: [...(most === 1 ? [] : songs.filter((song) => song.id !== id)), { id, name }] })}
      />
      {shown.length === 0 ? null : (
        <div class="bar">
          {shown.map(({ id, name }) => (
            <button key={id} type="button" class="chip" onClick={() => set({ songs: songs.filter((song) => song.id !== id) })}>
              <span class="vh">Remove </span>
              <bdi>{name}</bdi>
            </button>
          ))}
        </div>
      )}
    </div>
  );
}

function Tastes({ preference, set }: FormProps) {
  const { cluster } = useListening();
  const { answer, failure } = useAnswer<Choices>('listening/preferences', { cluster });
  const { features, popular, genres } = preference;
  if (failure !== undefined) return <p class="meta">{failure.message}</p>;
  const choices = answer?.document;
  return (
    <>
      <Genres chosen={genres} all={choices?.genres ?? []} onChange={(chosen) => set({ genres: chosen })} />
      <fieldset class="knobs">
        <legend>How it should sound; what is not ticked does not count</legend>
        {(choices?.features ?? []).map(({ feature, least, most, mean }) => (
          <Knob
            key={feature}
            name={featureName(feature)}
            least={least}
            most={most}
            usual={mean}
            value={features[feature]}
            onChange={(value) => {
              const { [feature]: _before, ...others } = features;
              set({ features: value === undefined ? others : { ...others, [feature]: value } });
            }}
          />
        ))}
        <Knob name="Popularity counts" least={0} most={1} usual={POPULAR} value={popular} onChange={(value) => set({ popular: value })} />
      </fieldset>
      {choices !== undefined && choices.features.length === 0 ? (
        <p class="meta">No song has audio features here: songs files bring them, and call reco.refresh() takes them over.</p>
      ) : null}
    </>
  );
}

interface GenresProps {
  readonly chosen: readonly string[];
  readonly all: Choices['genres'];
  readonly onChange: (chosen: readonly string[]) => void;
}

function Genres({ chosen, all, onChange }: GenresProps) {
  const left = all.filter(({ genre }) => !chosen.includes(genre));
  return (
    <div class="stackv tight">
      <label class="field">
        Genres
        <select
          value=""
          disabled={left.length === 0}
          onChange={({ currentTarget }) => void (currentTarget.value !== '' && onChange([...chosen, currentTarget.value]))}
        >
          <option value="">{all.length === 0 ? 'none is known' : 'add one'}</option>
          {left.map(({ genre, songs }) => (
            <option key={genre} value={genre}>
              {genre}, {songs.toLocaleString('en')} songs
            </option>
          ))}
        </select>
      </label>
      {chosen.length === 0 ? null : (
        <div class="bar">
          {chosen.map((genre) => (
            <button key={genre} type="button" class="chip" onClick={() => onChange(chosen.filter((each) => each !== genre))}>
              <span class="vh">Remove </span>
              <bdi>{genre}</bdi>
            </button>
          ))}
        </div>
      )}
    </div>
  );
}

interface KnobProps {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  /** Where it begins when it is ticked. */
  readonly usual: number;
  readonly value: number | undefined;
  readonly onChange: (value: number | undefined) => void;
}

/** A slider that counts once it is ticked, or moved. */
function Knob({ name, least, most, usual, value, onChange }: KnobProps) {
  const [moved, setMoved] = useState<number>();
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  useEffect(() => setMoved(undefined), [value]);
  const digits = most - least > 10 ? 0 : 2;
  const shown = moved ?? value ?? Number(usual.toFixed(digits));
  const move = (to: number): void => {
    setMoved(to);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => onChange(to), REST_MS);
  };
  return (
    <div class={value === undefined ? 'knob off' : 'knob'}>
      <label>
        <input
          type="checkbox"
          checked={value !== undefined}
          onChange={({ currentTarget }) => onChange(currentTarget.checked ? shown : undefined)}
        />{' '}
        {name}
      </label>
      <input
        type="range"
        aria-label={name}
        min={digits === 0 ? Math.floor(least) : least.toFixed(digits)}
        max={digits === 0 ? Math.ceil(most) : most.toFixed(digits)}
        step={digits === 0 ? 1 : 0.01}
        value={shown}
        onInput={({ currentTarget }) => move(Number(currentTarget.value))}
      />
      <output>{shown.toFixed(digits).replace('-', '−')}</output>
    </div>
  );
}
