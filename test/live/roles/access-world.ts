/** The same numbers for the same seed, between 0 and 1. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export const WORLD_ROLES = ['ann', 'ben', 'Cy "x"', 'team a', 'team_b', 'team_c', 'own er', 'app', 'svc', 'root2'] as const;
const SCHEMAS = ['core', 'Odd s', 'priv'] as const;

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Statements that make roles and one or more objects of every kind there is. */
export function worldObjects(major: number, random: () => number): readonly string[] {
  const any = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const made: string[] = WORLD_ROLES.map((name, index) => {
    const options = [
      index < 5 ? 'login' : '',
      random() < 0.25 ? 'noinherit' : '',
      random() < 0.15 ? 'createrole' : '',
      name === 'root2' ? 'superuser' : '',
    ];
    return `create role ${quoted(name)} ${options.join(' ')}`;
  });
  for (const schema of SCHEMAS) {
    const s = quoted(schema);
    made.push(`create schema ${s} authorization ${quoted(any(WORLD_ROLES))}`);
    for (const table of ['t', 'T 2', 'p']) {
      const partition = table === 'p' ? ' partition by list (a)' : '';
      made.push(`create table ${s}.${quoted(table)} (a int, "B b" text, c date)${partition}`);
    }
    made.push(
      `create view ${s}.v as select a from ${s}.t`,
      `create materialized view ${s}.m as select a from ${s}.t`,
      `create sequence ${s}.seq`,
      `create function ${s}.f(int, text) returns int language sql as 'select 1'`,
      `create function ${s}.f() returns void language sql security definer as 'select 1'`,
      `create procedure ${s}.pr() language sql as 'select 1'`,
      `create aggregate ${s}.ag(int) (sfunc = int4pl, stype = int)`,
      `create type ${s}.mood as enum ('a')`,
      `create type ${s}.pair as (a int, b int)`,
      `create type ${s}.span as range (subtype = int)`,
      `create domain ${s}.pos as int`,
    );
    for (const [kind, name] of OWNED) if (random() < 0.7) made.push(`alter ${kind} ${s}.${name} owner to ${quoted(any(WORLD_ROLES))}`);
  }
  made.push(
    'create foreign data wrapper fw',
    'create server lake foreign data wrapper fw',
    'create foreign table core.ft (a int) server lake',
    `alter server lake owner to root2`,
    'select lo_create(70001)',
    'select lo_create(70002)',
    `alter large object 70001 owner to ${quoted(any(WORLD_ROLES))}`,
  );
  return made;
}

const OWNED = [
  ['table', 't'],
  ['table', '"T 2"'],
  ['view', 'v'],
  ['materialized view', 'm'],
  ['sequence', 'seq'],
  ['function', 'f(int, text)'],
  ['procedure', 'pr()'],
  ['type', 'mood'],
  ['domain', 'pos'],
] as const;

const PREDEFINED = ['pg_read_all_data', 'pg_write_all_data', 'pg_monitor', 'pg_maintain', 'pg_checkpoint'] as const;

/** A statement with who says it. Many are refused, as they would be by hand; what is left is a cluster nobody designed. */
export interface WorldStep {
  readonly as: string | undefined;
  readonly sql: string;
}

export function worldSteps(major: number, random: () => number, count: number): readonly WorldStep[] {
  const any = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const someone = (): string => quoted(any(WORLD_ROLES));
  const option = (): string => (random() < 0.5 ? 'true' : 'false');
  const steps: WorldStep[] = [{ as: undefined, sql: `alter database ${quoted('music')} owner to ${someone()}` }];
  for (let index = 0; index < count; index += 1) {
    const as = random() < 0.6 ? undefined : any(WORLD_ROLES);
    if (random() < 0.2) {
      const role = random() < 0.25 ? any(PREDEFINED) : someone();
      const edge =
        major >= 16 ? ` with admin ${option()}, inherit ${option()}, set ${option()}` : random() < 0.3 ? ' with admin option' : '';
      steps.push({ as, sql: random() < 0.85 ? `grant ${role} to ${someone()}${edge}` : `revoke ${role} from ${someone()}` });
      continue;
    }
    const [privileges, on] = anyObject(major, random);
    const privilege = random() < 0.15 && !on.startsWith('large object') ? 'all' : any(privileges);
    const text = privilege === 'all' || !privilege.includes('$') ? privilege : privilege.replace('$', any(['a', '"B b"', 'c']));
    const grantee = random() < 0.12 ? 'public' : someone();
    const grantable = random() < 0.3 && grantee !== 'public' ? ' with grant option' : '';
    const isGrant = random() < 0.75;
    steps.push({ as, sql: isGrant ? `grant ${text} on ${on} to ${grantee}${grantable}` : `revoke ${text} on ${on} from ${grantee}` });
  }
  return steps;
}

function anyObject(major: number, random: () => number): readonly [readonly string[], string] {
  const any = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const s = quoted(any(SCHEMAS));
  const table = [
    'select',
    'insert',
    'update',
    'delete',
    'truncate',
    'references',
    'trigger',
    'select ($)',
    'update ($)',
    'references ($)',
    'insert ($)',
  ];
  const onTable = [...table, ...(major >= 17 ? ['maintain'] : [])];
  const choices: readonly (readonly [readonly string[], string])[] = [
    [onTable, `table ${s}.t`],
    [onTable, `table ${s}."T 2"`],
    [onTable, `table ${s}.p`],
    [onTable, `table ${s}.v`],
    [onTable, `table ${s}.m`],
    [['select', 'update'], 'table core.ft'],
    [['usage', 'select', 'update'], `sequence ${s}.seq`],
    [['execute'], `function ${s}.f(int, text)`],
    [['execute'], `procedure ${s}.pr()`],
    [['execute'], `routine ${s}.ag(int)`],
    [['usage'], `type ${s}.mood`],
    [['usage'], `type ${s}.span`],
    [['usage'], `domain ${s}.pos`],
    [['usage', 'create'], `schema ${s}`],
    [['usage', 'create'], `schema ${s}`],
    [['create', 'connect', 'temporary'], 'database music'],
    [['usage'], 'language plpgsql'],
    [['usage'], 'foreign data wrapper fw'],
    [['usage'], 'foreign server lake'],
    [['create'], 'tablespace pg_default'],
    [['select', 'update'], `large object ${any(['70001', '70002'])}`],
    [['select', 'update', 'delete', 'truncate', 'update ($)'], 'table pg_catalog.pg_authid'],
    [['select', 'update'], 'table information_schema.sql_parts'],
    [['execute'], 'function pg_catalog.pg_ls_dir(text)'],
    ...(major >= 15 ? [[['set', 'alter system'], `parameter ${any(['work_mem', 'log_statement', 'my.own'])}`] as const] : []),
  ];
  return any(choices);
}
