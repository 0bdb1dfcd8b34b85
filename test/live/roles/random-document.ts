import fc from 'fast-check';

const GROUPS = ['g one', 'g"two', 'g3'] as const;
const LOGINS = ['l one', 'l"two'] as const;
const SCHEMAS = ['core', 'mart'] as const;
const TABLE_PRIVILEGES = ['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger'] as const;

/** Small roles files over the same few names, so that one after the other changes, adds and takes away. */
export function randomDocument(major: number): fc.Arbitrary<string> {
  const edge = fc.record({
    role: fc.constantFrom(...GROUPS),
    admin: fc.boolean(),
    ...(major >= 16 ? { inherit: fc.boolean(), set: fc.boolean() } : {}),
    until: fc.constantFrom('2020-01-01', '2099-01-01', '2099-06-30T12:00:00Z'),
  });
  const login = fc.record({
    member_of: fc.uniqueArray(edge, { selector: (each) => each.role, maxLength: 3 }),
    connection_limit: fc.constantFrom(-1, 0, 5),
    attributes: fc.subarray(['createdb', 'replication', 'noinherit'].slice(0, major >= 16 ? 3 : 2)),
    settings: fc.constantFrom({}, { work_mem: '8MB' }, { search_path: ['core', 'x, y'], statement_timeout: 5000 }),
    settings_in: fc.constantFrom({}, { music: { work_mem: '16MB' } }),
  });
  const profile = fc.record({
    tables: fc.subarray([...TABLE_PRIVILEGES]),
    sequences: fc.subarray(['usage', 'select', 'update']),
    routines: fc.subarray(['execute']),
    types: fc.subarray(['usage']),
  });
  const to = fc.uniqueArray(fc.constantFrom(...GROUPS, ...LOGINS), { minLength: 1, maxLength: 3 });
  const access = fc.oneof(
    fc.record({
      profile: fc.constantFrom('a', 'b'),
      on: fc.subarray([...SCHEMAS], { minLength: 1 }),
      to,
      except: fc.subarray(['core.audit_log', 'core.play']),
      with_grant_option: fc.boolean(),
    }),
    fc.record({
      grant: fc.subarray([...TABLE_PRIVILEGES], { minLength: 1 }),
      on: fc.constantFrom('table core.play', 'view core.v', 'table core.*', 'partitioned table core.part', 'view core.*'),
      to,
      with_grant_option: fc.boolean(),
    }),
    fc.record({
      grant: fc.constant(['execute']),
      on: fc.constantFrom('routine core.f(integer, text)', 'procedure core.p()', 'function core.*'),
      to,
    }),
    fc.record({
      grant: fc.constant(['usage']),
      on: fc.constantFrom('language plpgsql', 'server lake'),
      to,
      with_grant_option: fc.boolean(),
    }),
    fc.record({ grant: fc.constant(['create']), on: fc.constant('tablespace fast'), to }),
  );
  const columns = fc.record({
    on: fc.constant('table core.play'),
    to: fc.constantFrom('g one', 'g"two'),
    allow: fc.constantFrom(['id'], ['id', 'note']),
    privileges: fc.subarray(['select', 'update', 'references'], { minLength: 1 }),
    with_grant_option: fc.boolean(),
  });
  const parameters = fc.record({
    grant: fc.subarray(['set', 'alter system'], { minLength: 1 }),
    on: fc.constant('log_statement'),
    to,
    with_grant_option: fc.boolean(),
  });
  const policy = fc.record(
    {
      name: fc.constantFrom('own', 'Odd "p"'),
      for: fc.constantFrom('all', 'update'),
      to: fc.subarray([...GROUPS], { minLength: 1 }),
      restrictive: fc.boolean(),
      using: fc.constantFrom('id>0', "note = current_setting('app.x',true)", 'true'),
      check: fc.constantFrom('id < 10', 'note IS  NOT NULL'),
    },
    { requiredKeys: ['name', 'for', 'using'] },
  );
  const rows = fc.record({
    table: fc.constant('core.play'),
    enable: fc.boolean(),
    force: fc.boolean(),
    policies: fc.uniqueArray(policy, { selector: ({ name }) => name, maxLength: 2 }),
  });
  const owner = fc.constantFrom('g one', 'g3');
  return fc
    .record({
      public: fc.constantFrom('locked', 'as-is'),
      profiles: fc.record({ a: profile, b: profile }),
      logins: fc.tuple(login, login),
      owners: fc.tuple(owner, owner),
      creators: fc.subarray(['g one', 'g3', 'l one'], { minLength: 1 }),
      owns: fc.constantFrom([], 'all', ['tables', 'routines']),
      access: fc.array(access, { maxLength: 5 }),
      columns: fc.array(columns, { maxLength: 1 }),
      rows: fc.array(rows, { maxLength: 1 }),
      parameters: major >= 15 ? fc.array(parameters, { maxLength: 2 }) : fc.constant([]),
    })
    .map(({ logins, owners, creators, owns, ...rest }) =>
      // JSON is YAML.
      JSON.stringify({
        version: 1,
        scope: { roles: ['g*', 'l*'] },
        public: rest.public,
        profiles: rest.profiles,
        groups: Object.fromEntries(GROUPS.map((name) => [name, {}])),
        services: { [LOGINS[0]]: logins[0], [LOGINS[1]]: logins[1] },
        databases: {
          music: {
            schemas: { core: { owner: owners[0], creators, owns }, mart: { owner: owners[1] } },
            access: rest.access,
            columns: rest.columns,
            row_security: rest.rows,
          },
        },
        parameters: rest.parameters,
      }),
    );
}
