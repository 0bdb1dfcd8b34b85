/** What the recommender is asked for, as the query string has it. */

export type By = 'listener' | 'preference' | 'after' | 'sound';
export const BYS: readonly (readonly [By, string])[] = [
  ['listener', 'For a listener'],
  ['preference', 'By preference'],
  ['after', 'To play next'],
  ['sound', 'Sounds alike'],
];

/** A song that is named in the address, by its number and with its name beside it, so that a link reads. */
export interface Named {
  readonly id: string;
  readonly name: string;
}

export interface Preference {
  readonly by: By;
  readonly songs: readonly Named[];
  readonly genres: readonly string[];
  /** In their own units. */
  readonly features: Readonly<Record<string, number>>;
  /** How much it counts that others hear a song, 0 to 1. */
  readonly popular: number | undefined;
  readonly heard: 'never' | 'not-recently' | 'any';
  readonly isUnheardOnly: boolean;
}

type Query = Readonly<Record<string, string>>;

export function readPreference(query: Query): Preference {
  const by = BYS.find(([name]) => name === query['by'])?.[0] ?? 'preference';
  const heard = query['heard'];
  const popular = Number(query['popular']);
  return {
    by,
    songs: parts(query['songs']).flatMap((text) => {
      const [, id, name] = /^(\d{1,18})(?:~(.*))?$/.exec(text) ?? [];
      return id === undefined ? [] : [{ id, name: name ?? `song ${id}` }];
    }),
    genres: parts(query['genres']),
    features: Object.fromEntries(
      parts(query['features']).flatMap((text) => {
        const [, name, value] = /^([a-z_]{1,30}):(-?\d+(?:\.\d+)?)$/.exec(text) ?? [];
        return name === undefined ? [] : [[name, Number(value)] as const];
      }),
    ),
    popular: query['popular'] !== undefined && popular >= 0 && popular <= 1 ? popular : undefined,
    heard: heard === 'any' || heard === 'not-recently' ? heard : 'never',
    isUnheardOnly: query['unheard'] === 'yes',
  };
}

/** The query that reads as this preference. */
export function writePreference({
  by,
  songs,
  genres,
  features,
  popular,
  heard,
  isUnheardOnly,
}: Preference): Readonly<Record<string, string | undefined>> {
  return {
    by: by === 'preference' ? undefined : by,
    songs: joined(songs.map(({ id, name }) => `${id}~${name.replaceAll('|', ' ')}`)),
    genres: joined(genres),
    features: joined(Object.entries(features).map(([name, value]) => `${name}:${value}`)),
    popular: popular === undefined ? undefined : String(popular),
    heard: heard === 'never' ? undefined : heard,
    unheard: isUnheardOnly ? 'yes' : undefined,
  };
}

/** Values of the question that answers it; undefined where something is missing still. */
export function questionOf(
  preference: Preference,
  listener: string | undefined,
): Readonly<Record<string, string | readonly string[] | undefined>> | undefined {
  const { by, songs, genres, features, popular, heard, isUnheardOnly } = preference;
  const [song] = songs;
  switch (by) {
    case 'listener':
      return listener === undefined ? undefined : { listener, heard };
    case 'after':
      return song === undefined ? undefined : { after: song.id };
    case 'sound':
      return song === undefined ? undefined : { track: song.id };
    case 'preference': {
      const isSaid = songs.length + genres.length + Object.keys(features).length > 0 || popular !== undefined;
      if (!isSaid) return undefined;
      return {
        like: songs.map(({ id }) => id),
        genre: genres,
        feature: Object.entries(features).map(([name, value]) => `${name}=${value}`),
        popular: popular === undefined ? undefined : String(popular),
        unheard: isUnheardOnly ? listener : undefined,
      };
    }
  }
}

function parts(text: string | undefined): readonly string[] {
  return (text ?? '').split('|').filter((part) => part !== '');
}

function joined(texts: readonly string[]): string | undefined {
  return texts.length === 0 ? undefined : texts.join('|');
}
