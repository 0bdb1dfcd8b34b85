import { Cover } from './cover.tsx';
import { DataTable } from './data-table.tsx';
import { Part } from './part.tsx';
import { numberOf, textOf, type Row } from './report.ts';
import type { ComponentChildren } from 'preact';

const RANGES: Readonly<Record<string, string>> = { short_term: 'about 4 weeks', medium_term: 'about 6 months', long_term: 'about a year' };

/** What is a listener's own: narrowed by the listener alone. */
export function LibraryTab() {
  return (
    <>
      <div class="cols fill">
        <Plain name="listener" title="Listeners" wide="c5" empty="There is no listener." />
        <Plain name="recent-plays" title="Recently played" wide="c7" />
      </div>
      <div class="cols fill">
        <Part name="favourite-artists" title="Top artists, as Spotify ranks them" wide="c6" empty={<Ask what="top" />} isTable>
          {({ rows }) => <Lists rows={rows} name="artist_name" />}
        </Part>
        <Part name="favourite-tracks" title="Top songs, as Spotify ranks them" wide="c6" empty={<Ask what="top" />} isTable>
          {({ rows }) => <Lists rows={rows} name="track_name" under="album_name" />}
        </Part>
      </div>
      <div class="cols top">
        <Plain name="playlists" title="Playlists" wide="c6" empty={<Ask what="playlists" />} />
        <Plain name="saved-tracks" title="Saved songs" wide="c6" empty={<Ask what="library" />} />
      </div>
      <div class="cols top">
        <Plain name="followed-artists" title="Followed artists" wide="c6" empty={<Ask what="artists" />} />
        <Plain name="saved-albums" title="Saved albums" wide="c6" empty={<Ask what="library" />} />
      </div>
    </>
  );
}

function Ask({ what }: { readonly what: string }) {
  return (
    <>
      None is known: an account export holds some, and <code>dbadmin spotify fetch {what}</code> asks Spotify.
    </>
  );
}

interface PlainProps {
  readonly name: string;
  readonly title: string;
  readonly wide: string;
  readonly empty?: ComponentChildren;
}

/** A part whose rows are the drawing. */
export function Plain({ name, title, wide, empty }: PlainProps) {
  return (
    <Part name={name} title={title} wide={wide} isTable empty={empty} aside={({ rows }) => rows.length.toLocaleString('en')}>
      {(part) => <DataTable part={part} />}
    </Part>
  );
}

/** The last list of each range, one beside the other. */
function Lists({ rows, name, under }: { readonly rows: readonly Row[]; readonly name: string; readonly under?: string }) {
  const kinds = [...new Set(rows.map((row) => `${textOf(row, 'listener')}\n${textOf(row, 'time_range')}`))];
  const listeners = new Set(rows.map((row) => textOf(row, 'listener')));
  return (
    <div class="body groups">
      {kinds.map((kind) => {
        const [listener = '', range = ''] = kind.split('\n');
        const ofKind = rows.filter((row) => row['listener'] === listener && row['time_range'] === range);
        return (
          <div key={kind}>
            <h3>
              {RANGES[range] ?? range} {listeners.size > 1 ? <bdi class="meta">{listener}</bdi> : null}
            </h3>
            <ol class="ranks">
              {ofKind.map((row) => (
                <li key={numberOf(row, 'rank')}>
                  <span class="num">{textOf(row, 'rank')}</span>
                  {'cover_id' in row ? <Cover id={textOf(row, 'cover_id')} name={textOf(row, name)} /> : null}
                  <span class="nm">
                    <bdi>{textOf(row, name)}</bdi>
                    {under === undefined ? null : (
                      <small>
                        <bdi>{textOf(row, under)}</bdi>
                      </small>
                    )}
                  </span>
                </li>
              ))}
            </ol>
          </div>
        );
      })}
    </div>
  );
}
