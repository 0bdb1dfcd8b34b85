import type postgres from 'postgres';

/** An audio feature in its own unit, over all songs that were analysed. */
export interface FeatureRange {
  readonly feature: string;
  readonly least: number;
  readonly most: number;
  readonly mean: number;
  readonly deviation: number;
}

/** What a preference can name. */
export interface PreferenceChoices {
  readonly features: readonly FeatureRange[];
  /** Genres and subgenres, those of most songs first. */
  readonly genres: readonly { readonly genre: string; readonly songs: number }[];
}

export async function readPreferenceChoices(sql: postgres.Sql): Promise<PreferenceChoices> {
  const features = await sql<FeatureRange[]>`
    select s.feature, min(f.value) as "least", max(f.value) as "most", s.mean, s.deviation
    from reco.feature_scale as s
    join (select v.place, v.value from reco.song_sound as sound cross join lateral unnest(sound.features) with ordinality as v (value, place)) as f
      on f.place = s.place
    group by s.feature, s.place, s.mean, s.deviation order by s.place`;
  const genres = await sql<{ genre: string; songs: string }[]>`
    select g.genre, count(*) as songs from reco.song_genre as g group by g.genre order by 2 desc, 1`;
  return { features, genres: genres.map(({ genre, songs }) => ({ genre, songs: Number(songs) })) };
}
