import type { Sql } from 'postgres';
import type { SettingOfAll } from './settings-of-all.ts';

export async function inspectSettingsOfAll(sql: Sql): Promise<readonly SettingOfAll[]> {
  return await sql<SettingOfAll[]>`
    select split_part(c.pair, '=', 1) as name, substr(c.pair, strpos(c.pair, '=') + 1) as value
    from pg_catalog.pg_db_role_setting s cross join lateral unnest(s.setconfig) with ordinality c (pair, place)
    where s.setdatabase = 0 and s.setrole = 0 order by c.place`;
}
