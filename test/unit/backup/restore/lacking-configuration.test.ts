import { expect, test } from 'vitest';
import type { Listed } from '../../../../src/base/listed.ts';
import { lackingConfiguration, type SavedConfiguration } from '../../../../src/backup/restore/lacking-configuration.ts';
import type { FileToWrite } from '../../../../src/backup/restore/plan.ts';

const MAIN = [
  "include_dir 'plain.d'",
  "include_dir 'empty.d/'",
  "include_dir 'unknown.d'",
  "include 'plain.conf'",
  "include 'linked.conf'",
  "include 'none.conf'",
  "include_if_exists 'perhaps.conf'",
  "include_dir '/etc/pg/empty.d'",
  "include_dir '/etc/pg/unknown.d'",
  "include '/etc/pg/saved.conf'",
  "include '/srv/r/plain.conf'",
  "include_dir '../beside.d'",
].join('\n');

function saved(parts: Partial<SavedConfiguration> = {}): SavedConfiguration {
  const files: unknown = [{ path: 'plain.conf' }, { path: 'plain.d/a.conf' }];
  return {
    backup: { missing: [], includedDirectories: ['plain.d', 'empty.d', '/etc/pg/empty.d'] },
    layout: { dataDirectory: '/srv/r', directories: [{ path: 'plain.d', mode: 0o700 }], files: files as Listed<FileToWrite> },
    inside: new Map([
      ['postgresql.conf', MAIN],
      ['linked.conf', ''],
    ]),
    outer: [{ path: '/etc/pg/saved.conf', content: "include 'next.conf'\n" }],
    identFile: undefined,
    ...parts,
  };
}

const places = (sentences: readonly string[]): readonly string[] =>
  sentences.map((each) => each.replace(/, which (.*) includes: .*$/, ' by $1'));

test('lackingConfiguration: names what is included and was not saved, but not what may be absent', () => {
  expect(places(lackingConfiguration(saved()))).toEqual([
    '/etc/pg/next.conf by /etc/pg/saved.conf',
    '/etc/pg/unknown.d by postgresql.conf',
    '/srv/beside.d by postgresql.conf',
    'none.conf by postgresql.conf',
    'unknown.d by postgresql.conf',
  ]);
});

test('lackingConfiguration: a backup that does not name its directories knows nothing of those in the data directory', () => {
  const found = places(lackingConfiguration(saved({ backup: { missing: ['postgresql.auto.conf was not saved'] } })));
  expect(found.slice(0, 2)).toEqual(['postgresql.auto.conf was not saved', '/etc/pg/empty.d by postgresql.conf']);
  expect(found).toContain('empty.d by postgresql.conf');
});

test('lackingConfiguration: says what does not start without it', () => {
  const inside = new Map([
    ['postgresql.conf', "include_dir '/etc/both.d'\ninclude_dir '/etc/pg/other.d'\ninclude 'none.conf'\n"],
    ['linked.conf', "include_dir '/etc/both.d'\n"],
    ['pg_ident.conf', 'include names.conf\n'],
  ]);
  const until = 'does not start until it is there, empty where it held no setting';
  expect(lackingConfiguration(saved({ inside }))).toEqual([
    `/etc/both.d, which linked.conf includes: the server ${until}`,
    `/etc/pg/next.conf, which /etc/pg/saved.conf includes: a production ${until}`,
    `/etc/pg/other.d, which postgresql.conf includes: a production ${until}`,
    'names.conf, which pg_ident.conf includes: the server starts, and maps no user names until it is there',
    `none.conf, which postgresql.conf includes: the server ${until}`,
  ]);
});

test('lackingConfiguration: what the map of user names is made of stops nothing, under whatever name and however far in', () => {
  const inside = new Map([
    ['pg_ident.conf', 'include_dir ident.d\ninclude both.conf\n'],
    ['ident.d/site.conf', 'include more.conf\n'],
    ['pg_hba.conf', 'include both.conf\n'],
    ['both.conf', 'include last.conf\n'],
  ]);
  const outer = [{ path: '/etc/pg/users.map', content: 'include next.map\n' }];
  const until = 'does not start until it is there, empty where it held no setting';
  const maps = 'the server starts, and maps no user names until it is there';
  expect(lackingConfiguration(saved({ inside, outer, identFile: '/etc/pg/users.map' }))).toEqual([
    `/etc/pg/next.map, which /etc/pg/users.map includes: ${maps}`,
    `ident.d/more.conf, which ident.d/site.conf includes: ${maps}`,
    `last.conf, which both.conf includes: the server ${until}`,
  ]);
});

test('lackingConfiguration: of several that include it the one is named that needs it most', () => {
  const inside = new Map([
    ['pg_ident.conf', "include '/etc/pg/map'\ninclude names\n"],
    ['postgresql.conf', "include_if_exists 'perhaps.conf'\n"],
    ['linked.conf', "include 'names'\n"],
  ]);
  const outer = [{ path: '/etc/pg/outer.conf', content: "include 'map'\ninclude '/srv/r/perhaps.conf'\n" }];
  const until = 'does not start until it is there, empty where it held no setting';
  expect(lackingConfiguration(saved({ backup: { missing: [] }, inside, outer }))).toEqual([
    `/etc/pg/map, which /etc/pg/outer.conf includes: a production ${until}`,
    `names, which linked.conf includes: the server ${until}`,
    `perhaps.conf, which /etc/pg/outer.conf includes: a production ${until}`,
  ]);
});

test('lackingConfiguration: of a backup from before links were read, what may be absent is named, too', () => {
  const main = "include_if_exists 'site.conf'\ninclude_if_exists 'plain.conf'\ninclude_if_exists '/etc/pg/site.conf'\n";
  expect(lackingConfiguration(saved({ backup: { missing: [] }, inside: new Map([['postgresql.conf', main]]), outer: [] }))).toEqual([
    'site.conf, which postgresql.conf includes: if it was a link there, the server starts without what it said',
  ]);
});

test('lackingConfiguration: a directory of which files were saved is there', () => {
  const outer = [{ path: '/etc/pg/unknown.d/a.conf', content: '' }];
  const inside = new Map([
    ['postgresql.conf', "include_dir 'unknown.d'\ninclude_dir '/etc/pg/unknown.d'\n"],
    ['unknown.d/a.conf', ''],
  ]);
  expect(lackingConfiguration(saved({ outer, inside }))).toEqual([]);
});
