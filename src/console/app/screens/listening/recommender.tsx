import { useAnswer, type Answer } from '../../answer.ts';
import { Segments } from '../../parts/choices.tsx';
import { Command } from '../../parts/command.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Failed } from '../../parts/states.tsx';
import { useQuery } from '../../query.ts';
import { Cover } from './cover.tsx';
import { Methods } from './methods.tsx';
import { useListening } from './listening-context.ts';
import { BYS, questionOf, readPreference, writePreference, type By, type Preference } from './preference.ts';
import { PreferenceForm } from './preference-form.tsx';

interface Song {
  readonly rank: number;
  readonly trackId: string;
  readonly name: string | null;
  readonly artist: string | null;
  readonly coverId: string | null;
  readonly score?: number;
  readonly reason?: string;
  readonly distance?: number;
  readonly becauseOf?: { readonly name: string | null; readonly artist: string | null } | null;
}

interface Recommended {
  readonly songs: readonly Song[];
  readonly isUpToDate: boolean;
}

const COUNT = '15';

/** Songs for a listener, a taste, or a song; why each of them; and how good the methods are. */
export function RecommenderTab() {
  const { filters, cluster } = useListening();
  const [query, changeQuery] = useQuery();
  const preference = readPreference(query);
  const set = (change: Partial<Preference>): void => changeQuery(writePreference({ ...preference, ...change }));
  const asked = questionOf(preference, filters.listener);
  const name = preference.by === 'sound' ? 'listening/sounds-like' : 'listening/recommend';
  const { answer, failure, isLoading, again } = useAnswer<Recommended>(
    asked === undefined ? undefined : name,
    { ...asked, k: COUNT, cluster },
    { keepsOld: true },
  );
  const shown = asked === undefined ? undefined : answer;
  return (
    <>
      <Panel
        id="recommender"
        title="Recommender"
        aside={shown === undefined ? undefined : `answered in ${shown.tookMs} ms, the connection included`}
      >
        <div class="body">
          <Segments label="What is recommended by" choices={BYS} value={preference.by} onChoose={(by) => set({ by })} />
        </div>
        <div class="body cols">
          <div class="c4 stackv tight">
            <PreferenceForm preference={preference} set={set} />
          </div>
          <div class="c8">
            {failure === undefined ? null : <Failed failure={failure} again={again} />}
            {asked === undefined ? (
              <p class="meta">{MISSING[preference.by]}</p>
            ) : shown === undefined ? (
              failure === undefined ? (
                <p class="meta" role="status">
                  Choosing
                </p>
              ) : null
            ) : (
              <div class={isLoading ? 'asking' : undefined} aria-busy={isLoading}>
                <Songs answer={shown} by={preference.by} onTake={(song) => set(taken(preference, song))} />
              </div>
            )}
          </div>
        </div>
      </Panel>
      <Methods />
    </>
  );
}

const MISSING: Readonly<Record<By, string>> = {
  listener: 'Choose a listener above: songs follow from what they heard.',
  preference: 'Say something of the taste: a song, a genre, or how it should sound. Whoever has no history yet begins here.',
  after: 'Choose the song that is playing.',
  sound: 'Choose the song that others should sound like.',
};

function taken(preference: Preference, { trackId, name }: Song): Partial<Preference> {
  const song = { id: trackId, name: name ?? `song ${trackId}` };
  if (preference.by === 'preference') return { songs: [...preference.songs.filter(({ id }) => id !== trackId), song] };
  return preference.by === 'listener' ? { by: 'sound', songs: [song] } : { songs: [song] };
}

const TAKE: Readonly<Record<By, string>> = { listener: 'Alike', preference: 'Like', after: 'Next', sound: 'Alike' };

function Songs({ answer, by, onTake }: { readonly answer: Answer<Recommended>; readonly by: By; readonly onTake: (song: Song) => void }) {
  const { songs, isUpToDate } = answer.document;
  return (
    <>
      {isUpToDate ? null : (
        <p class="stale" role="status">
          <span class="st warn">Not all that is loaded is taken into account yet</span> <code>call reco.refresh()</code> takes it in.
        </p>
      )}
      {songs.length === 0 ? (
        <p class="meta">
          {by === 'sound'
            ? 'How that song sounds is not known: songs files have audio features, account exports do not.'
            : 'The warehouse has no songs that fit.'}
        </p>
      ) : (
        <table class="songs stackt">
          <thead>
            <tr>
              <th scope="col" class="num">
                #
              </th>
              <th scope="col">Song</th>
              <th scope="col">{by === 'sound' ? 'Distance' : 'Why'}</th>
              <td />
            </tr>
          </thead>
          <tbody>
            {songs.map((song) => (
              <tr key={song.trackId}>
                <td class="num">{song.rank}</td>
                <th scope="row">
                  <span class="who">
                    <Cover id={song.coverId ?? ''} name={song.name ?? '?'} />
                    <span class="nm">
                      <bdi>{song.name ?? 'nameless'}</bdi>
                      <small>
                        <bdi>{song.artist ?? ''}</bdi>
                      </small>
                    </span>
                  </span>
                </th>
                <td>
                  <Why song={song} />
                </td>
                <td>
                  <button type="button" class="btn quiet" onClick={() => onTake(song)}>
                    {TAKE[by]}
                    <span class="vh"> {song.name}</span>
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <Command text={answer.command} />
    </>
  );
}

const REASONS: Readonly<Record<string, string>> = {
  'found together': 'heard or listed together',
  'same artist': 'same artist',
  popular: 'popular with others',
  'sounds as asked': 'sounds as asked',
};

function Why({ song: { reason, becauseOf, distance } }: { readonly song: Song }) {
  if (distance !== undefined) return <>{distance.toFixed(2)}</>;
  const words = REASONS[reason ?? ''] ?? reason ?? '';
  if (becauseOf === null || becauseOf === undefined) return <>{words}</>;
  return (
    <>
      {words} with <bdi>{becauseOf.name ?? 'nameless'}</bdi>
      {becauseOf.artist === null ? null : (
        <>
          {' '}
          by <bdi>{becauseOf.artist}</bdi>
        </>
      )}
    </>
  );
}
