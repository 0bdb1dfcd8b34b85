import { describe, expect, test } from 'vitest';
import { parseSqlFile } from '../../../../src/migrate/files/migration.ts';
import { loadSqlParser } from '../../../../src/migrate/sql/parser.ts';
import { cascadedLosses, type ForeignKeyFacts, type KeyAction } from '../../../../src/migrate/undo/cascades.ts';
import { lossesOf } from '../../../../src/migrate/undo/losses.ts';
import { suspectsIn } from '../../../../src/migrate/undo/unseen.ts';

const parser = await loadSqlParser();
const parse = (text: string) => parseSqlFile({ path: '1_a.sql', location: '/1_a.sql', text, sha256: '' }, parser).statements;
const table = (name: string) => ({ schema: 'public', name });

function key(from: string, column: string, to: string, onDelete: KeyAction, onUpdate: KeyAction = 'none'): ForeignKeyFacts {
  return { table: table(from), columns: [column], references: table(to), referenced: ['id'], onDelete, onUpdate };
}

function taken(text: string, keys: readonly ForeignKeyFacts[]): readonly string[] {
  return cascadedLosses(lossesOf([parse(text)], ['public']), keys).map((loss) => {
    if (loss.kind === 'schema') return loss.kind;
    return `${loss.kind} ${loss.table.name}${loss.kind === 'column' ? `.${loss.column}` : ''} by ${loss.by}`;
  });
}

describe('cascadedLosses: what foreign keys took along', () => {
  const keys = [key('play', 'listener', 'listener', 'cascade'), key('skip', 'play', 'play', 'cascade'), key('note', 'play', 'play', 'set')];

  test('a DELETE goes down every key that cascades, and sets what is to be set', () => {
    expect(taken('delete from listener', keys)).toEqual([
      'rows play by ON DELETE CASCADE',
      'rows skip by ON DELETE CASCADE',
      'column note.play by ON DELETE SET',
    ]);
    expect(taken('delete from skip', keys)).toEqual([]);
    expect(taken('delete from listener', [key('play', 'listener', 'listener', 'none')])).toEqual([]);
  });

  test('TRUNCATE … CASCADE empties all that point there, whatever their keys say of DELETE; without CASCADE nothing', () => {
    expect(taken('truncate play cascade', [...keys, key('plain', 'play', 'play', 'none')])).toEqual([
      'rows skip by TRUNCATE … CASCADE',
      'rows note by TRUNCATE … CASCADE',
      'rows plain by TRUNCATE … CASCADE',
    ]);
    expect(taken('truncate play', keys)).toEqual([]);
  });

  test('an UPDATE of a key is carried on, of another column it is not; a dropped column carries nothing', () => {
    const carried = [key('play', 'listener', 'listener', 'none', 'cascade')];
    expect(taken('update listener set id = id + 1', carried)).toEqual(['column play.listener by ON UPDATE CASCADE']);
    expect(taken("update listener set name = ''", carried)).toEqual([]);
    expect(taken('alter table listener drop column id cascade', carried)).toEqual([]);
  });

  test('keys in a circle end, and what is lost anyhow is said once', () => {
    const circle = [key('a', 'b', 'b', 'cascade'), key('b', 'a', 'a', 'cascade')];
    expect(taken('delete from a', circle)).toEqual(['rows b by ON DELETE CASCADE']);
    expect(taken('delete from a; delete from b', circle)).toEqual([]);
  });
});

describe('suspectsIn: through what more may have been lost', () => {
  test.each([
    ['select core.purge(1), count(*) from a', ['routine core.purge by SELECT', 'routine .count by SELECT']],
    ['call core.purge()', ['routine core.purge by CALL']],
    ['create view v as select f()', []],
    ['create table b as select f() from a', ['routine .f by CREATE TABLE AS']],
    ['drop type core.mood, "Odd" cascade', ['what depended on type core.mood', 'what depended on type "Odd"']],
    ['drop type core.mood', []],
    ['drop extension hstore cascade', ['what depended on extension hstore']],
    ['alter table a drop column b cascade', ['what depended on column b']],
    ['drop owned by somebody cascade', ['what the roles owned']],
    ['insert into a values (1) on conflict (id) do update set x = 1', ['INSERT on app.a', 'UPDATE on app.a']],
    ['merge into core.a using b on true when matched then delete', ['INSERT on core.a', 'UPDATE on core.a', 'DELETE on core.a']],
    ['truncate a, b', ['TRUNCATE on app.a', 'TRUNCATE on app.b']],
  ])('%s', (text, expected) => {
    const shown = suspectsIn([parse(text)], 'app').map((each) => {
      if (each.kind === 'routine') return `routine ${each.schema ?? ''}.${each.name} by ${each.by}`;
      if (each.kind === 'triggers') return `${each.event} on ${each.table.schema}.${each.table.name}`;
      return each.kind === 'dependents' ? each.of : each.reason;
    });
    expect(shown).toEqual(expected);
  });

  test('triggers are those of the table in the search path that its file set', () => {
    const triggers = (...texts: readonly string[]): readonly string[] =>
      suspectsIn(texts.map(parse), 'app').flatMap((each) => (each.kind === 'triggers' ? `${each.table.schema}.${each.table.name}` : []));
    const text = 'delete from a; set local search_path = core; delete from a; delete from old.a; reset search_path; delete from b';
    expect(triggers(text)).toEqual(['app.a', 'core.a', 'old.a', 'app.b']);
    expect(triggers('set search_path = core; truncate a', 'update a set x = 1')).toEqual(['core.a', 'app.a']);
  });
});
