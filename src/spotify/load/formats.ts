import type { Delimiter } from './csv-scanner.ts';

/** The formats that can be loaded; also the `source` of a row in `raw.batch`. */
export type SourceFormat = 'songs' | 'streaming_history' | 'extended_history' | 'library' | 'playlist' | 'chart' | 'page';

/** How the rows of a playlist or chart are laid out; also the `layout` of a landed row. */
export type Layout = 'columns' | 'account_export' | 'track_summary' | 'ranking';

/** How the text of a file is cut into rows. */
export type Form =
  | { readonly kind: 'csv'; readonly delimiter: Delimiter }
  /** One array of objects, of any length. */
  | { readonly kind: 'array' }
  /** One object, read whole. */
  | { readonly kind: 'document' };

/** A file that can be loaded. */
export interface Loadable {
  readonly kind: SourceFormat;
  readonly form: Form;
  readonly layout: Layout | undefined;
  /** A label of the Encoding Standard, in lower case. */
  readonly encoding: string;
  /** Of a format that may be about one listener: that this file is. */
  readonly isPersonal?: boolean;
}

/**
 * What a file seems to be; all but the loadable say why not, in words that follow the file's name. `damaged`: it should
 * have been loaded.
 */
export type Recognised =
  | Loadable
  | { readonly kind: 'damaged'; readonly reason: string }
  | { readonly kind: 'unsupported'; readonly reason: string; readonly hint: string }
  | { readonly kind: 'unknown'; readonly reason: string };

export function isLoadable(recognised: Recognised): recognised is Loadable {
  return 'form' in recognised;
}

/** Whether a file of this format is about one listener: always, perhaps, or never. */
export const LISTENER: Readonly<Record<SourceFormat, 'always' | 'perhaps' | 'never'>> = {
  songs: 'never',
  streaming_history: 'always',
  extended_history: 'always',
  library: 'always',
  playlist: 'perhaps',
  chart: 'never',
  page: 'perhaps',
};
