import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/spotify/generate/random.ts';
import { writeGenerated } from '../../../src/spotify/generate/run.ts';
import { dbadmin, type CommandResult } from './warehouse.ts';

const [ALBUMS, TRACKS, PLAYS] = [40, 10, 4000];

/** A history of sessions: of somebody with habits two plays of three go on with the album; of somebody without, anything follows anything. */
function history(hasHabits: boolean): string {
  const random = new SeededRandom(17);
  let atMs = Date.UTC(2025, 0, 1);
  let [album, track] = [0, 0];
  return JSON.stringify(
    Array.from({ length: PLAYS }, (_, n) => {
      const isFirst = n % 8 === 0;
      atMs += isFirst ? 5 * 3_600_000 : 200_000;
      if (isFirst || !hasHabits || random.oneIn(3)) [album, track] = [random.between(0, ALBUMS - 1), random.between(0, TRACKS - 1)];
      else track = (track + 1) % TRACKS;
      const endTime = new Date(atMs).toISOString().slice(0, 16).replace('T', ' ');
      return { endTime, artistName: `Artist ${album}`, trackName: `Track ${album}.${track}`, msPlayed: 190_000 };
    }),
  );
}

interface Document {
  readonly reached: boolean | null;
  readonly tasks: readonly { readonly task: string; readonly methods: readonly { readonly method: string }[] }[];
}

describe('dbadmin spotify evaluate, on files alone', () => {
  let directory: string;
  const evaluate = async (...args: readonly string[]): Promise<CommandResult> => await dbadmin(['spotify', 'evaluate', ...args], directory);

  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-evaluate-'));
    for (const [listener, hasHabits] of [
      ['habits', true],
      ['chance', false],
    ] as const) {
      await mkdir(path.join(directory, listener));
      await writeFile(path.join(directory, listener, 'StreamingHistory0.json'), history(hasHabits));
    }
    await writeGenerated(path.join(directory, 'generated'), { listeners: 1, plays: 2000, seed: 3 });
  });
  afterAll(async () => await rm(directory, { recursive: true, force: true }));

  it('I: where somebody has habits the next track is found twice as often as by popularity, and the run says so', async () => {
    const { status, stdout } = await evaluate('habits');
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /^Reached: next track, HR@10: co-occurrence [01]\.\d+, popularity 0\.\d+, \d+\.\d+ times; 2 times are demanded\.$/m,
    );
    for (const method of ['random', 'popularity', 'recent popularity', 'same artist', 'co-occurrence'])
      expect(stdout).toMatch(new RegExp(`^${method}( +[01]\\.\\d{3} \\([01]\\.\\d{3}–[01]\\.\\d{3}\\)){3} .* \\d+ +\\d+ %$`, 'm'));
  });

  it('I: where nobody has habits it is not found, and the run fails with both figures', async () => {
    const { status, stderr } = await evaluate('chance');
    expect(stderr).toMatch(/error: next track, HR@10: co-occurrence 0\.\d+, popularity 0\.\d+, [01]\.\d+ times; 2 times are demanded/);
    expect(status).toBe(1);
  });

  it('I: playlists are continued by every method, those that win and those that do not', async () => {
    const { stdout } = await evaluate('generated/songs.csv', '--json');
    const { tasks, reached } = JSON.parse(stdout) as Document;
    expect(tasks.map(({ task }) => task)).toEqual(['playlists']);
    expect(tasks[0]?.methods.map(({ method }) => method)).toEqual([
      'random',
      'popularity',
      'Spotify popularity',
      'audio features',
      'co-occurrence',
      'same artist',
      'co-occurrence, then same artist',
    ]);
    expect(reached).toBe(null);
  });

  it.for([
    ['no-such.tsv', undefined, 'cannot read no-such.tsv'],
    ['empty.tsv', '', 'empty.tsv has no rows of listener, item and count'],
    ['header.tsv', 'user\titem\tcount\r\n', 'header.tsv has no rows of listener, item and count'],
    ['column.tsv', 'user\titem\tcount\nu1\ti1\t3\nu1\ti2\n', 'column.tsv line 3 has 2 fields, not 3'],
    ['below.tsv', 'u1\ti1\t3\r\nu1\ti2\t-4\r\n', 'below.tsv line 2 has a count below 0: "-4"'],
    ['words.tsv', 'u1\ti1\t3\nu1\ti2\tmany\n', 'words.tsv line 2 has a count that is none: "many"'],
    ['commas.tsv', 'u1,i1,3\n', 'commas.tsv line 1 has 1 field, not 3'],
    ['wide.tsv', Buffer.from('\uFEFFu1\ti1\t3\n', 'utf16le'), 'wide.tsv line 1 is not UTF-8 text'],
    [
      'few.tsv',
      'u1\ti1\t3\nu1\ti2\t3\nu2\ti1\t3\n',
      'few.tsv has no listener with five items or more: there is nothing to hide and ask for',
    ],
    ['.', undefined, 'cannot read .'],
  ] as const)('I: %s as --interactions is refused with the line or the reason', async ([name, content, message]) => {
    if (content !== undefined) await writeFile(path.join(directory, name), content);
    const { status, stdout, stderr } = await evaluate('--interactions', name);
    expect(stderr.replaceAll(directory, '')).toContain(`error: ${message}`);
    expect(stdout).toBe('');
    expect(status).toBe(1);
  });

  it('I: rows with a header, CRLF and counts of 0 are read, and what is demanded is judged', async () => {
    const rows = Array.from({ length: 300 * 12 }, (_, n) => {
      const [listener, nth] = [n % 300, Math.floor(n / 300)];
      return `u${listener}\ti${(listener % 6) * 20 + ((nth * 7 + listener) % 20)}\t${nth % 11}`;
    });
    await writeFile(path.join(directory, 'rows.tsv'), `listener\titem\tcount\r\n${rows.join('\r\n')}\r\n`);
    const { status, stdout } = await evaluate('--interactions', 'rows.tsv', '--at-least', '2.5');
    expect(stdout).toMatch(/^What else a listener has: 300 cases, 120 items ranked in each$/m);
    expect(stdout).toMatch(/^Reached: interactions, NDCG@10: /m);
    expect(status).toBe(0);
  });
});
