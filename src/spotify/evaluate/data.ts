import type { Lists } from './sparse.ts';

/** The nine audio features, in the order of reco.feature_scale. */
export const FEATURES = 9;

/** What is known of songs; a song is what tracks of the same meaning have in common, by number from 0. */
export interface Catalogue {
  readonly songs: number;
  /** Number of the first artist; -1 where unknown. */
  readonly artistOf: Int32Array;
  /** 0 to 100; NaN where unknown. */
  readonly popularity: Float64Array;
  /** {@link FEATURES} a song, in their own units; NaN where unknown. */
  readonly features: Float64Array;
}

/** Listens, plays of 30 s to 60 min, of one listener after another, each in the order in which they ended. */
export interface History {
  readonly listenerOf: Int32Array;
  readonly songOf: Int32Array;
  readonly endedAtMs: Float64Array;
  readonly msPlayed: Int32Array;
}

export interface ListeningData {
  /** What it was read from, for people: `warehouse`, or the names of files. */
  readonly source: string;
  readonly catalogue: Catalogue;
  readonly history: History;
  /** Songs of each playlist, each once. */
  readonly playlists: Lists;
}

/** Who has what, how often: each pair once. */
export interface Interactions {
  readonly listeners: number;
  readonly items: number;
  /** Items of each listener. */
  readonly lists: Lists;
  /** Beside `lists.values`: above 0. */
  readonly counts: Float64Array;
  /** Beside `lists.values`: made of the names and the seed, so that a split does not depend on the order of rows. */
  readonly lots: Uint32Array;
}
