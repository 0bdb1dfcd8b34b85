import type { Sql } from 'postgres';

export const HISTORY_ROLES = ['h_owner', 'h_reader', 'h_writer', 'h_login', 'H "odd"', 'h_late'] as const;

/** Numbers in [0, 1) that are the same for the same seed. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/**
 * Years of work by hand on the objects of a database: grants and revokes by whoever happens to be connected, owners changed,
 * default privileges, memberships, on whole schemas and single objects. What the server refuses did not happen.
 */
export async function liveThrough(sql: Sql, seed: number, count: number): Promise<number> {
  const random = generator(seed);
  const pick = <T>(items: readonly T[]): T => {
    const item = items[Math.floor(random() * items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  };
  const quoted = HISTORY_ROLES.map((name) => `"${name.replaceAll('"', '""')}"`);
  for (const name of quoted) await sql.unsafe(`create role ${name}${name === '"h_login"' ? ' login' : ''}`);
  const names = async (query: string): Promise<readonly string[]> => (await sql.unsafe<{ name: string }[]>(query)).map((row) => row.name);
  const schemas = await names(
    "select quote_ident(nspname) as name from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema' order by 1",
  );
  const within = "select oid from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'";
  const relations = await names(
    `select oid::regclass::text as name from pg_class where relkind in ('r', 'v', 'p', 'm') and relnamespace in (${within}) order by 1`,
  );
  const sequences = await names(
    `select oid::regclass::text as name from pg_class where relkind = 'S' and relnamespace in (${within}) order by 1`,
  );
  const routines = await names(`select oid::regprocedure::text as name from pg_proc where pronamespace in (${within}) order by 1`);
  const types = await names(
    `select oid::regtype::text as name from pg_type where typtype in ('e', 'd') and typnamespace in (${within}) order by 1`,
  );
  const [database] = await names('select quote_ident(current_database()) as name');
  const privileges = ['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger', 'all'];
  const option = (): string => (random() < 0.3 ? ' with grant option' : '');
  const grantee = (): string => (random() < 0.15 ? 'public' : pick(quoted));
  const some = (): string => [...new Set([pick(privileges.slice(0, 7)), pick(privileges.slice(0, 7))])].join(', ');
  const objects = (): readonly [string, string] => {
    const kind = random();
    if (kind < 0.4) return [random() < 0.2 ? 'all' : some(), `table ${pick(relations)}`];
    if (kind < 0.5 && sequences.length > 0) return [pick(['usage', 'select', 'all']), `sequence ${pick(sequences)}`];
    if (kind < 0.65 && routines.length > 0) return ['execute', `function ${pick(routines)}`];
    if (kind < 0.7 && types.length > 0) return ['usage', `type ${pick(types)}`];
    if (kind < 0.8) return [some(), `all tables in schema ${pick(schemas)}`];
    if (kind < 0.85) return ['usage', `all sequences in schema ${pick(schemas)}`];
    if (kind < 0.88) return ['execute', `all functions in schema ${pick(schemas)}`];
    if (kind < 0.97) return [pick(['usage', 'create', 'all']), `schema ${pick(schemas)}`];
    return [pick(['connect', 'create', 'temp', 'all']), `database ${database ?? ''}`];
  };
  const statement = (): string => {
    const [what, on] = objects();
    const kind = random();
    if (kind < 0.45) return `grant ${what} on ${on} to ${grantee()}${option()}`;
    if (kind < 0.6) return `revoke ${what} on ${on} from ${grantee()}`;
    if (kind < 0.7) return `grant ${pick(quoted)} to ${pick(quoted)}${random() < 0.4 ? ' with admin option' : ''}`;
    if (kind < 0.78) return `alter table ${pick(relations)} owner to ${pick(quoted)}`;
    if (kind < 0.82) return `alter schema ${pick(schemas)} owner to ${pick(quoted)}`;
    if (kind < 0.86 && routines.length > 0) return `alter routine ${pick(routines)} owner to ${pick(quoted)}`;
    const of = pick(['tables', 'sequences', 'routines', 'types']);
    const right = of === 'tables' ? some() : of === 'routines' ? 'execute' : 'usage';
    const where = random() < 0.7 ? ` in schema ${pick(schemas)}` : '';
    const how = random() < 0.8 ? `grant ${right} on ${of} to ${grantee()}` : `revoke ${right} on ${of} from ${grantee()}`;
    return `alter default privileges for role ${pick(quoted)}${where} ${how}`;
  };
  let happened = 0;
  for (let made = 0; made < count; made += 1) {
    const who = random() < 0.35 ? pick(quoted) : undefined;
    try {
      await sql.begin(async (transaction) => {
        const text = statement();
        if (who !== undefined) await transaction.unsafe(`set local role ${who}`);
        await transaction.unsafe(text);
      });
      happened += 1;
    } catch {
      // The server refused it, as it would have refused a person.
    }
  }
  await giveBackToOwners(sql);
  return happened;
}

/** What owners revoke from themselves is not in an imported file; an import tells it. */
async function giveBackToOwners(sql: Sql): Promise<void> {
  const rows = await sql.unsafe<{ statement: string }[]>(`
    with schemas as (select oid from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema')
    select format('grant all on %s %s to %I', case relkind when 'S' then 'sequence' else 'table' end, oid::regclass, pg_get_userbyid(relowner)) as statement
      from pg_class where relacl is not null and relkind in ('r', 'p', 'v', 'm', 'f', 'S') and relnamespace in (select oid from schemas)
    union all select format('grant all on routine %s to %I', oid::regprocedure, pg_get_userbyid(proowner)) from pg_proc
     where proacl is not null and pronamespace in (select oid from schemas)
    union all select format('grant all on type %s to %I', oid::regtype, pg_get_userbyid(typowner)) from pg_type
     where typacl is not null and typnamespace in (select oid from schemas)
    union all select format('grant all on schema %I to %I', nspname, pg_get_userbyid(nspowner)) from pg_namespace where oid in (select oid from schemas)`);
  for (const { statement } of rows) await sql.unsafe(statement);
}
