import { quoteName } from '../../../postgres/quote.ts';
import type { AccessEntry, AccessGroup } from '../../access/graph.ts';
import { DATABASE_OWNER } from '../../predefined.ts';
import { granteeText, role } from '../../state.ts';
import { revokeSql } from '../close.ts';
import type { AuditRule, Finding, Severity } from '../finding.ts';
import { searchPathOf } from '../search-path.ts';
import { entriesOfOthers, holdersText, type AuditWorld } from '../world.ts';

type Found = Omit<Finding, 'rule'>;

/** Those that somebody else may create in, one by one. */
function ofSchemas(
  world: AuditWorld,
  find: (
    schema: string,
    group: AccessGroup,
    entry: AccessEntry,
    database: string,
  ) => Omit<Found, 'subject' | 'database' | 'sql'> | undefined,
): readonly Found[] {
  return world.databases().flatMap(({ name: database }) =>
    world.groups('schema', database).flatMap((group) =>
      group.names.flatMap((schema) =>
        entriesOfOthers(group).flatMap((entry) => {
          const found = entry.privilege === 'CREATE' ? find(schema, group, entry, database) : undefined;
          const sql = revokeSql(`SCHEMA ${quoteName(schema)}`, group, [entry]);
          return found === undefined ? [] : [{ ...found, subject: `schema ${schema}`, database, sql }];
        }),
      ),
    ),
  );
}

/** Who looks unqualified names up in `schema` and is worth an attack: superusers, and who acts as the schema's owner. */
function victims(world: AuditWorld, schema: string, owner: string, database: string): readonly string[] {
  return [...world.state.cluster.roles.values()]
    .filter(({ name, login, attributes }) => login && (attributes.superuser || world.actsAs(name, owner, database)))
    .filter(({ name }) => schema === 'pg_catalog' || searchPathOf(world.state, name, database).includes(schema))
    .map(({ name }) => name);
}

function superusersWith(world: AuditWorld, schema: string, database: string): readonly string[] {
  return [...world.state.cluster.roles.values()]
    .filter(({ name, login, attributes }) => login && attributes.superuser && searchPathOf(world.state, name, database).includes(schema))
    .map(({ name }) => name);
}

function severityFor(world: AuditWorld, found: readonly string[], schema: string): Severity {
  if (schema === 'pg_catalog') return 'critical';
  return found.some((name) => world.isSuperuser(name)) ? 'high' : 'medium';
}

export const SCHEMA_RULES: readonly AuditRule[] = [
  {
    name: 'schema-create-public',
    summary: 'a schema in which everybody may create',
    why: 'Whoever looks up an unqualified name there runs what a stranger put there. In public it was the default before 15, and upgrades keep it.',
    find: (world) =>
      ofSchemas(world, (schema, group, { grantee, grantor }, database) => {
        const logins = grantee.kind === 'public' ? world.logins(database) : [];
        if (logins.length === 0) return undefined;
        const reached = victims(world, schema, group.owner, database);
        return {
          severity: severityFor(world, reached, schema),
          message: 'everybody who connects can put functions and operators there that others call by accident',
          evidence: [
            `CREATE to PUBLIC, granted by ${grantor}`,
            reached.length === 0
              ? 'in the search_path of no superuser or owner'
              : `in the search_path of ${reached.slice(0, 5).join(', ')}`,
          ],
        };
      }),
  },
  {
    name: 'schema-in-path',
    summary: 'somebody may create in a schema that a stronger role looks names up in',
    why: 'A function with a better matching signature is called instead of the one that was meant, as the one who calls.',
    find: (world) =>
      ofSchemas(world, (schema, group, { grantee, grantor }, database) => {
        if (grantee.kind === 'public') return undefined;
        const attackers = world.holders(grantee, database).filter(({ login }) => !world.actsAs(login, group.owner, database));
        const reached = attackers.length === 0 ? [] : victims(world, schema, group.owner, database);
        if (reached.length === 0) return undefined;
        return {
          severity: severityFor(world, reached, schema),
          message: `${granteeText(grantee)} can put functions and operators there that ${reached[0] ?? ''} calls by accident`,
          evidence: [
            `CREATE to ${granteeText(grantee)}, granted by ${grantor}; used by ${holdersText(attackers)}`,
            `in the search_path of ${reached.slice(0, 5).join(', ')}`,
          ],
        };
      }),
  },
  {
    name: 'schema-owner-in-path',
    summary: 'a superuser looks names up in a schema of somebody who is none',
    why: 'The owner of a schema may put anything there, and a superuser who forgets a qualification runs it.',
    find: (world) =>
      world.databases().flatMap(({ name: database }) =>
        world.groups('schema', database).flatMap((group) =>
          group.names.flatMap((schema): readonly Found[] => {
            const { owner } = group;
            // From 15 on public belongs to the owner of the database, whoever that is: that is how it is meant.
            if (owner === DATABASE_OWNER || world.isSuperuser(owner)) return [];
            const holders = world.holders(role(owner), database);
            const reached = holders.length === 0 ? [] : superusersWith(world, schema, database);
            if (reached.length === 0) return [];
            return [
              {
                severity: 'medium',
                subject: `schema ${schema}`,
                database,
                message: `${owner} can put functions and operators there that ${reached[0] ?? ''} calls by accident`,
                evidence: [`owner ${owner}, used by ${holdersText(holders)}`, `in the search_path of ${reached.slice(0, 5).join(', ')}`],
                sql: [`ALTER SCHEMA ${quoteName(schema)} OWNER TO ${quoteName(world.state.cluster.bootstrapSuperuser)}`],
                remark: `Or take it out of the search_path of ${reached.slice(0, 5).join(', ')}.`,
              },
            ];
          }),
        ),
      ),
  },
  {
    name: 'database-create-public',
    summary: 'a database in which everybody may make schemas',
    why: 'A schema named as a role is the first in its search_path: what a stranger puts there is found before everything else.',
    find: (world) =>
      ofDatabases(
        world,
        'CREATE',
        'high',
        'everybody can make a schema there, one named as a superuser too, which is first in its search_path',
      ),
  },
  {
    name: 'public-connect',
    summary: 'a database with tables to which everybody may connect',
    why: 'It is the default. A login made for one database can look for open doors in all of them.',
    find: (world) => ofDatabases(world, 'CONNECT', 'low', 'every login of the cluster may connect to it'),
  },
];

function ofDatabases(world: AuditWorld, privilege: 'CREATE' | 'CONNECT', severity: Severity, message: string): readonly Found[] {
  return world.groups('database').flatMap((group) =>
    group.names.flatMap((database) => {
      const open = group.acl.filter((entry) => entry.grantee.kind === 'public' && entry.privilege === privilege);
      const logins = world.logins(database);
      const hasTables = world.state.databases.get(database)?.hasTables === true;
      if (open.length === 0 || logins.length === 0 || !world.state.databases.has(database)) return [];
      if (privilege === 'CONNECT' && !hasTables) return [];
      return [
        {
          severity,
          subject: `database ${database}`,
          database: undefined,
          message,
          evidence: [`${privilege} to PUBLIC`, `${logins.length} login${logins.length === 1 ? '' : 's'} beside superusers`],
          sql: revokeSql(`DATABASE ${quoteName(database)}`, group, open),
          ...(privilege === 'CONNECT' ? { remark: 'Grant CONNECT to the roles that need it first.' } : {}),
        },
      ];
    }),
  );
}
