import { quoteName } from '../../../postgres/quote.ts';
import { granteeText, role } from '../../state.ts';
import { relationKey } from '../../access/graph.ts';
import { revokeSql, routineSql, tablesSql, tablesText } from '../close.ts';
import type { AuditRule, Finding } from '../finding.ts';
import { entriesOfOthers, holdersText } from '../world.ts';

type Found = Omit<Finding, 'rule'>;

export const HOOK_RULES: readonly AuditRule[] = [
  {
    name: 'trigger-privilege',
    summary: 'TRIGGER on a table of somebody else',
    why: 'The function of a trigger runs as whoever writes to the table: it does with their privileges what its author wants.',
    find: (world) =>
      world.databases().flatMap(({ name: database, extensionRelations }) =>
        world.groups('table', database).flatMap((group): readonly Found[] => {
          if (group.isCatalog || group.schema === undefined || group.schema === 'pg_catalog') return [];
          const open = entriesOfOthers(group).filter(
            ({ grantee, privilege }) =>
              privilege === 'TRIGGER' && world.holders(grantee, database).some(({ login }) => !world.actsAs(login, group.owner, database)),
          );
          if (open.length === 0) return [];
          const { schema } = group;
          const names = group.names.filter((name) => !extensionRelations.has(relationKey({ schema, name })));
          if (names.length === 0) return [];
          const grantees = open.map(({ grantee }) => granteeText(grantee)).join(', ');
          return [
            {
              severity: 'high',
              subject: tablesText(schema, names),
              database,
              message: `${grantees} can make a trigger that runs as whoever writes there, ${group.owner} among them`,
              evidence: open.map(
                ({ grantee, grantor }) =>
                  `TRIGGER to ${granteeText(grantee)}, granted by ${grantor}; used by ${holdersText(world.holders(grantee, database))}`,
              ),
              sql: tablesSql(schema, names).flatMap((tables) => revokeSql(tables, group, open)),
              remark: 'Look at the triggers that are there already: SELECT tgname, tgrelid::regclass, tgfoid::regproc FROM pg_trigger.',
            },
          ];
        }),
      ),
  },
  {
    name: 'routine-of-another',
    summary: 'a trigger, policy, default, constraint, view or index that calls a routine of another owner',
    why: 'The owner of the routine may replace its body, and it runs as whoever uses the table.',
    find: (world) =>
      world.databases().flatMap(({ name: database, hooks }) =>
        hooks.flatMap((hook): readonly Found[] => {
          const { routineOwner, relationOwner } = hook;
          if (world.actsAs(routineOwner, relationOwner, database)) return [];
          const holders = world.holders(role(routineOwner), database).filter(({ login }) => !world.actsAs(login, relationOwner, database));
          if (holders.length === 0) return [];
          const routine = { schema: hook.routineSchema, name: hook.routine };
          return [
            {
              severity: world.isSuperuser(relationOwner) ? 'critical' : 'high',
              subject: `routine ${routine.schema}.${routine.name}`,
              database,
              message: `${routineOwner} can put code into it that runs as whoever uses ${hook.relationSchema}.${hook.relation}, ${relationOwner} among them`,
              evidence: [
                `called by a ${hook.via} of ${hook.relationSchema}.${hook.relation}, which ${relationOwner} owns`,
                `owner ${routineOwner}, used by ${holdersText(holders)}`,
              ],
              sql: [`ALTER ROUTINE ${routineSql(routine)} OWNER TO ${quoteName(relationOwner)}`],
              remark: 'Read its body before: it runs as the new owner where it is SECURITY DEFINER.',
            },
          ];
        }),
      ),
  },
  {
    name: 'event-trigger-owner',
    summary: 'an event trigger whose function belongs to somebody who is no superuser',
    why: 'It runs with every DDL of a superuser, as the superuser.',
    find: (world) =>
      world.databases().flatMap(({ name: database, eventTriggers }) =>
        eventTriggers.flatMap((trigger): readonly Found[] => {
          if (world.isSuperuser(trigger.routineOwner) || world.holders(role(trigger.routineOwner), database).length === 0) return [];
          const routine = { schema: trigger.routineSchema, name: trigger.routine };
          return [
            {
              severity: 'critical',
              subject: `event trigger ${trigger.name}`,
              database,
              message: `${trigger.routineOwner} can put code into its function that runs as the superuser who next changes a table`,
              evidence: [
                `function ${routine.schema}.${routine.name} belongs to ${trigger.routineOwner}`,
                `the event trigger belongs to ${trigger.owner}`,
              ],
              sql: [`ALTER ROUTINE ${routineSql(routine)} OWNER TO ${quoteName(trigger.owner)}`],
              remark: 'Read its body before.',
            },
          ];
        }),
      ),
  },
  {
    name: 'language-marked-trusted',
    summary: 'a language that can do anything is marked as trusted',
    why: 'Who has USAGE on a trusted language writes functions in it, and everybody has it by default: code in C runs as the server.',
    find: (world) =>
      world.databases().flatMap(({ name: database, languages }) =>
        languages.map((language) => ({
          severity: 'critical' as const,
          subject: `language ${language}`,
          database,
          message: 'everybody with USAGE on it runs any code as the server does',
          evidence: [`pg_language.lanpltrusted of ${language} is true`],
          sql: [`UPDATE pg_catalog.pg_language SET lanpltrusted = false WHERE lanname = '${language.replaceAll("'", "''")}'`],
        })),
      ),
  },
];
