import { quoteName } from '../../../postgres/quote.ts';
import { relationKey, type AccessEntry } from '../../access/graph.ts';
import { granteeText } from '../../state.ts';
import { qualified, revokeSql, tablesSql, tablesText } from '../close.ts';
import type { AuditRule, Finding } from '../finding.ts';
import { entriesOfOthers, holdersText, type AuditWorld } from '../world.ts';

type Found = Omit<Finding, 'rule'>;

/** Catalogs that only superusers read, and what is in them. */
const SECRET_CATALOGS: Readonly<Record<string, string>> = {
  pg_authid: 'the verifiers of all passwords',
  pg_shadow: 'the verifiers of all passwords',
  pg_user_mapping: 'the passwords for foreign servers',
  pg_subscription: 'the passwords for publishers',
  pg_largeobject: 'all large objects',
  pg_statistic: 'values of every table that was analysed',
};

const SECRET_COLUMNS: Readonly<Record<string, readonly string[]>> = {
  pg_authid: ['rolpassword'],
  pg_shadow: ['passwd'],
  pg_user_mapping: ['umoptions'],
  pg_subscription: ['subconninfo'],
  pg_largeobject: ['data'],
  pg_statistic: ['stavalues1', 'stavalues2', 'stavalues3', 'stavalues4', 'stavalues5'],
};

function readable(world: AuditWorld, entries: readonly AccessEntry[], database: string): readonly AccessEntry[] {
  return entries.filter(({ grantee, privilege }) => privilege === 'SELECT' && world.holders(grantee, database).length > 0);
}

function entryTexts(world: AuditWorld, entries: readonly AccessEntry[], database: string, column = ''): readonly string[] {
  return entries.map(
    ({ grantee, grantor, privilege }) =>
      `${privilege}${column === '' ? '' : ` (${column})`} to ${granteeText(grantee)}, granted by ${grantor}; used by ${holdersText(world.holders(grantee, database))}`,
  );
}

function secretTables(world: AuditWorld, database: string): readonly Found[] {
  return world.groups('table', database).flatMap((group) =>
    group.schema !== 'pg_catalog'
      ? []
      : group.names.flatMap((name): readonly Found[] => {
          const holds = SECRET_CATALOGS[name];
          const open = holds === undefined ? [] : readable(world, entriesOfOthers(group), database);
          if (holds === undefined || open.length === 0) return [];
          return [
            {
              severity: 'high',
              subject: `table pg_catalog.${name}`,
              database,
              message: `${open.map(({ grantee }) => granteeText(grantee)).join(', ')} can read ${holds}`,
              evidence: entryTexts(world, open, database),
              sql: revokeSql(`TABLE ${qualified('pg_catalog', name)}`, group, open),
            },
          ];
        }),
  );
}

function secretColumns(world: AuditWorld, database: string): readonly Found[] {
  const columns = world.state.access.databases.get(database)?.columns ?? [];
  return columns.flatMap(({ schema, table, column, acl }): readonly Found[] => {
    if (schema !== 'pg_catalog' || SECRET_COLUMNS[table]?.includes(column) !== true) return [];
    const owner = world.state.cluster.bootstrapSuperuser;
    const open = readable(world, acl, database);
    if (open.length === 0) return [];
    return [
      {
        severity: 'high',
        subject: `column pg_catalog.${table}.${column}`,
        database,
        message: `${open.map(({ grantee }) => granteeText(grantee)).join(', ')} can read ${SECRET_CATALOGS[table] ?? 'it'}`,
        evidence: entryTexts(world, open, database, column),
        sql: revokeSql(`TABLE ${qualified('pg_catalog', table)}`, { owner, acl }, open, column),
      },
    ];
  });
}

export const TABLE_RULES: readonly AuditRule[] = [
  {
    name: 'secret-catalog',
    summary: 'a catalog with password verifiers or connection strings that others may read',
    why: 'A verifier is guessed offline, an MD5 hash is enough as it is, and a connection string has its password in clear text.',
    find: (world) => world.databases().flatMap(({ name }) => [...secretTables(world, name), ...secretColumns(world, name)]),
  },
  {
    name: 'public-table',
    summary: 'tables that everybody may read or change',
    why: 'PUBLIC is every login of the cluster, those that will be made too.',
    find: (world) =>
      world.databases().flatMap(({ name: database, extensionRelations }) =>
        world.groups('table', database).flatMap((group): readonly Found[] => {
          const { schema } = group;
          if (schema === undefined || schema === 'pg_catalog' || schema === 'information_schema') return [];
          const open = group.acl.filter(({ grantee, privilege }) => grantee.kind === 'public' && privilege !== 'TRIGGER');
          const names = group.names.filter((name) => !extensionRelations.has(relationKey({ schema, name })));
          const logins = world.logins(database);
          if (open.length === 0 || names.length === 0 || logins.length === 0) return [];
          const changes = open.some(({ privilege }) => privilege !== 'SELECT' && privilege !== 'REFERENCES' && privilege !== 'MAINTAIN');
          return [
            {
              severity: changes ? 'high' : 'medium',
              subject: tablesText(schema, names),
              database,
              message: `every login may ${open.map(({ privilege }) => privilege).join(', ')} there`,
              evidence: open.map(({ privilege, grantor }) => `${privilege} to PUBLIC, granted by ${grantor}`),
              sql: tablesSql(schema, names).flatMap((tables) => revokeSql(tables, group, open)),
            },
          ];
        }),
      ),
  },
  {
    name: 'public-default',
    summary: 'default privileges that give new tables, sequences or schemas to everybody',
    why: 'Each table made from now on is open, and nobody granted anything on it.',
    find: (world) =>
      world.databases().flatMap(({ name: database, publicDefaults }) =>
        world.logins(database).length === 0
          ? []
          : publicDefaults.map(({ creator, schema, of, privilege }) => ({
              severity: 'medium' as const,
              subject: `default privileges of ${creator}${schema === undefined ? '' : ` in ${schema}`}`,
              database,
              message: `every login gets ${privilege} on each ${of} that ${creator} makes`,
              evidence: [`ALTER DEFAULT PRIVILEGES FOR ROLE ${creator} … GRANT ${privilege} … TO PUBLIC`],
              sql: [
                `ALTER DEFAULT PRIVILEGES FOR ROLE ${quoteName(creator)}${schema === undefined ? '' : ` IN SCHEMA ${quoteName(schema)}`} ` +
                  `REVOKE ${privilege} ON ${of.toUpperCase()}S FROM PUBLIC`,
              ],
              remark: 'What was made since is another finding.',
            })),
      ),
  },
];
