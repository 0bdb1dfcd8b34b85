import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../roles/project.ts';
import { openAccessWorld, type AccessWorld } from './access-world.ts';
import { countOf } from './warehouse.ts';

/** Roles that see the rows of everybody: their policies say true, or none binds them. */
const STAFF = ['warehouse_owner', 'warehouse_loader', 'warehouse_transformer', 'warehouse_auditor', 'warehouse_dba', 'warehouse_eraser'];

describe('row security of the warehouse', () => {
  let world: AccessWorld;
  beforeAll(async () => {
    world = await openAccessWorld();
  });
  afterAll(async () => await world?.close());

  /** The rows that `login` sees in a table, by where they lie. */
  const seenBy = async (login: string, table: string): Promise<readonly string[]> => {
    const sql = connect(world.cluster.url('listening', login));
    try {
      return (await sql.unsafe<{ at: string }[]>(`select ctid::text as at from ${table} order by 1`)).map(({ at }) => at);
    } finally {
      await sql.end({ timeout: 1 });
    }
  };
  /** Tables with rows about a listener, and which rows that are. */
  const personal = async (listener: string): Promise<ReadonlyMap<string, string>> => {
    const rows = await world.admin<{ table: string; predicate: string }[]>`
      select relation::text as table, predicate from core.personal_rows(${listener})`;
    return new Map(rows.map(({ table, predicate }) => [table, predicate]));
  };
  const readable = async (): Promise<readonly string[]> =>
    (
      await world.admin<{ name: string }[]>`
        select c.oid::regclass::text as name from pg_class as c
        where c.relkind in ('r', 'p', 'v', 'm') and has_table_privilege('listener_1', c.oid, 'select')
          and has_schema_privilege('listener_1', c.relnamespace, 'usage') and c.relnamespace::regnamespace::text not in ('pg_catalog', 'information_schema')`
    ).map(({ name }) => name);

  it('D4: each listener sees their own rows in every table about them, and no row of the other', async () => {
    const tables = await readable();
    const [own, other] = [await personal('listener-001'), await personal('listener-002')];
    let looked = 0;
    for (const table of tables) {
      const predicate = own.get(table);
      if (predicate === undefined) continue;
      const seen = new Set(await seenBy('listener_1', table));
      const at = async (where: string | undefined): Promise<readonly string[]> =>
        (await world.admin.unsafe<{ at: string }[]>(`select ctid::text as at from ${table} where ${where ?? 'false'}`)).map(
          (row) => row.at,
        );
      const mine = new Set(await at(predicate));
      expect(seen.size, table).toBeGreaterThan(0);
      expect(
        (await at(other.get(table))).filter((row) => seen.has(row)),
        table,
      ).toEqual([]);
      expect(
        [...seen].filter((row) => !mine.has(row)),
        table,
      ).toEqual([]);
      looked += 1;
    }
    expect(looked).toBeGreaterThanOrEqual(14);
  });

  it('D4: a login that is no listener sees nobody', async () => {
    for (const table of [
      'core.listener',
      'core.play',
      'core.top_list_track',
      'core.playlist',
      'core.playlist_track',
      'mart.fact_play',
      'mart.dim_listener',
    ])
      expect(await seenBy('listener_of_nobody', table), table).toEqual([]);
  });

  it('D4: reports that a listener calls are about them, whomever they ask for', async () => {
    const asked = async (statement: string): Promise<number> => {
      const sql = connect(world.cluster.url('listening', 'listener_1'));
      try {
        return await countOf(sql, statement);
      } finally {
        await sql.end({ timeout: 1 });
      }
    };
    const own = await countOf(
      world.admin,
      `select plays from mart.cards(mart.only(listener_id => (select listener_id from core.listener where name = 'listener-001')))`,
    );
    expect(own).toBeGreaterThan(0);
    expect(await asked('select plays from mart.cards()')).toBe(own);
    const other = await countOf(world.admin, `select listener_id from core.listener where name = 'listener-002'`);
    expect(await asked(`select plays from mart.cards(mart.only(listener_id => ${other}))`)).toBe(0);
  });

  it('D4: every table with rows about a listener has row security, or is closed to whoever may not see all', async () => {
    const rows = await world.admin<{ name: string; secured: boolean; open: string[] | null }[]>`
      select p.relation::text as name, c.relrowsecurity as secured,
        (select array_agg(r.rolname::text order by 1) from pg_roles as r
         where (r.rolname like 'warehouse\_%' or r.rolname = 'bi_reader') and r.rolname <> all (${STAFF})
           and (has_any_column_privilege(r.oid, p.relation, 'select') or has_table_privilege(r.oid, p.relation, 'insert, update, delete'))) as open
      from core.personal_rows('listener-001') as p join pg_class as c on c.oid = p.relation order by 1`;
    expect(rows.length).toBeGreaterThan(25);
    expect(rows.filter(({ secured, open }) => !secured && open !== null).map(({ name, open }) => [name, open])).toEqual([]);
    // Where COPY must not be refused, and the working tables of the procedures.
    const unsecured = rows.filter(({ secured }) => !secured).map(({ name }) => name);
    expect(unsecured.filter((name) => !/^(raw|quality)\.|_work$|^core\.accepted_row$/.test(name))).toEqual([]);
  });

  it('D4: listeners have no view that reads as its owner, but those about nobody', async () => {
    const views = await world.admin<{ name: string }[]>`
      select c.oid::regclass::text as name from pg_class as c where c.relkind in ('v', 'm') and c.relnamespace::regnamespace::text in ('core', 'mart', 'reco', 'api', 'quality')
        and has_table_privilege('warehouse_listener', c.oid, 'select') order by 1`;
    expect(views.map(({ name }) => name)).toEqual(['mart.cover', 'mart.track_genre']);
  });

  it('D4: a policy that somebody changed by hand is found, and put right', async () => {
    await world.admin.unsafe('drop policy own on core.play; create policy own on core.play for select to warehouse_listener using (true)');
    expect((await seenBy('listener_1', 'core.play')).length).toBe(await countOf(world.admin, 'select count(*) from core.play'));
    expect(await world.project.lines(world.file)).toEqual([expect.stringContaining('core.play')]);
    await world.project.apply(world.file);
    expect((await seenBy('listener_1', 'core.play')).length).toBe(
      await countOf(world.admin, `select count(*) from core.play join core.listener_login using (listener_id) where login = 'listener_1'`),
    );
  });
});
