import { quoteName } from '../../../postgres/quote.ts';
import { granteeText } from '../../state.ts';
import { revokeSql, routineSql } from '../close.ts';
import type { AuditRule, Finding } from '../finding.ts';
import type { AuditedRoutine } from '../state.ts';
import { entriesOfOthers, holdersText, type AuditWorld, type Holder } from '../world.ts';

type Found = Omit<Finding, 'rule'>;

/** Functions of the server and of its extensions that are kept from everybody, and what they do for who may execute them. */
const GUARDED: Readonly<Record<string, string>> = {
  pg_read_file: 'reads files of the server',
  pg_read_binary_file: 'reads files of the server',
  pg_ls_dir: 'lists directories of the server',
  pg_stat_file: 'looks at files of the server',
  pg_file_write: 'writes files on the server',
  pg_file_rename: 'renames files on the server',
  pg_file_unlink: 'deletes files on the server',
  lo_import: 'reads files of the server into large objects',
  lo_export: 'writes large objects to files on the server',
  dblink_connect_u: 'connects back as another role where the server trusts itself',
};

/** Who else than the owner may execute it, by entry. */
function executors(world: AuditWorld, routine: AuditedRoutine, database: string): readonly Holder[] {
  const found = new Map<string, Holder>();
  for (const { grantee } of entriesOfOthers(routine)) {
    for (const holder of world.holders(grantee, database)) {
      if (!found.has(holder.login) && !world.actsAs(holder.login, routine.owner, database)) found.set(holder.login, holder);
    }
  }
  return [...found.values()];
}

function ofDefiners(
  world: AuditWorld,
  find: (routine: AuditedRoutine, database: string, holders: readonly Holder[]) => Omit<Found, 'subject' | 'database'> | undefined,
): readonly Found[] {
  return world.databases().flatMap(({ name: database, routines }) =>
    routines.flatMap((routine) => {
      if (!routine.isDefiner) return [];
      const holders = executors(world, routine, database);
      const found = holders.length === 0 ? undefined : find(routine, database, holders);
      return found === undefined ? [] : [{ ...found, subject: `routine ${routine.schema}.${routine.name}`, database }];
    }),
  );
}

/** Schemas in which some other login may create: what is planted there runs as the owner of a routine that looks there. */
function openSchemas(world: AuditWorld, routine: AuditedRoutine, database: string): readonly string[] {
  return (routine.searchPath ?? []).filter((schema) =>
    world
      .groups('schema', database)
      .some(
        (group) =>
          group.names.includes(schema) &&
          entriesOfOthers(group).some(
            ({ grantee, privilege }) =>
              privilege === 'CREATE' && world.holders(grantee, database).some(({ login }) => !world.actsAs(login, routine.owner, database)),
          ),
      ),
  );
}

/** The path that closes it: its own schemas without those that others write to, and the temporary one last. */
function safePathSql(routine: AuditedRoutine, open: readonly string[]): string {
  const wanted = (routine.searchPath ?? [routine.schema]).filter(
    (schema) => schema !== 'pg_temp' && schema !== '$user' && !open.includes(schema),
  );
  const path = ['pg_catalog', ...wanted.filter((schema) => schema !== 'pg_catalog'), 'pg_temp'];
  return `ALTER ROUTINE ${routineSql(routine)} SET search_path TO ${path.map(quoteName).join(', ')}`;
}

export const ROUTINE_RULES: readonly AuditRule[] = [
  {
    name: 'definer-search-path',
    summary: 'SECURITY DEFINER without a search_path of its own',
    why: 'The caller says where unqualified names are looked for: an operator, function or table of the caller runs as the owner.',
    find: (world) =>
      ofDefiners(world, (routine, database, holders) => {
        if (routine.searchPath !== undefined) return undefined;
        return {
          severity: world.isSuperuser(routine.owner) ? 'critical' : 'high',
          message: `runs as ${routine.owner} and looks up names where its caller says`,
          evidence: [`SECURITY DEFINER, owner ${routine.owner}, no SET search_path`, `executed by ${holdersText(holders)}`],
          sql: [safePathSql(routine, openSchemas(world, { ...routine, searchPath: [routine.schema] }, database))],
          remark: 'Call it once afterwards: what it names without a schema must be in that path.',
        };
      }),
  },
  {
    name: 'definer-open-path',
    summary: 'SECURITY DEFINER with a search_path that others write to',
    why: 'What somebody creates in a schema of the path, or as a temporary table where pg_temp is not named last, runs as the owner.',
    find: (world) =>
      ofDefiners(world, (routine, database, holders) => {
        const path = routine.searchPath;
        // With '' every name is qualified, or it is one of the server's.
        if (path === undefined || path.every((schema) => schema === '' || schema === 'pg_catalog')) return undefined;
        const open = openSchemas(world, routine, database);
        const hasTemporaryLast = path.at(-1) === 'pg_temp';
        if (open.length === 0 && hasTemporaryLast) return undefined;
        return {
          severity: open.length > 0 && world.isSuperuser(routine.owner) ? 'critical' : open.length > 0 ? 'high' : 'medium',
          message: `runs as ${routine.owner} and looks up names where others create them`,
          evidence: [
            `SECURITY DEFINER, owner ${routine.owner}, search_path ${path.join(', ')}`,
            ...(open.length > 0 ? [`others may create in ${open.join(', ')}`] : []),
            ...(hasTemporaryLast ? [] : ['temporary tables are looked up first: pg_temp is not the last of the path']),
            `executed by ${holdersText(holders)}`,
          ],
          sql: [safePathSql(routine, open)],
          remark: 'Call it once afterwards: what it names without a schema must be in that path.',
        };
      }),
  },
  {
    name: 'definer-public',
    summary: 'SECURITY DEFINER that everybody may execute',
    why: 'EXECUTE is given to PUBLIC by default: whoever connects acts as the owner within what the routine does.',
    find: (world) =>
      ofDefiners(world, (routine, _database, holders) => {
        const open = routine.acl.filter(({ grantee }) => grantee.kind === 'public');
        if (open.length === 0) return undefined;
        return {
          severity: world.isSuperuser(routine.owner) ? 'high' : 'medium',
          message: `everybody who connects runs it as ${routine.owner}`,
          evidence: [`SECURITY DEFINER, owner ${routine.owner}, EXECUTE to PUBLIC`, `executed by ${holdersText(holders)}`],
          sql: revokeSql(`ROUTINE ${routineSql(routine)}`, routine, open),
          remark: 'Grant EXECUTE to the roles that use it.',
        };
      }),
  },
  {
    name: 'untrusted-routine',
    summary: 'a routine in C, internal or another untrusted language that others may execute',
    why: 'Such code is not held by privileges: a wrapper around the function that reads files reads them for everybody.',
    find: (world) =>
      world.databases().flatMap(({ name: database, routines }) =>
        routines.flatMap((routine): readonly Found[] => {
          if (routine.languageIsTrusted) return [];
          const holders = new Map<string, Holder>();
          for (const { grantee } of routine.acl) for (const each of world.holders(grantee, database)) holders.set(each.login, each);
          if (holders.size === 0) return [];
          const isOwnedByWeak = !world.isSuperuser(routine.owner);
          return [
            {
              severity: 'high',
              subject: `routine ${routine.schema}.${routine.name}`,
              database,
              message: 'runs code that no privilege holds back, with the rights of the server on its host',
              evidence: [
                `language ${routine.language}, owner ${routine.owner}, of no extension`,
                `executed by ${holdersText([...holders.values()])}`,
              ],
              sql: [
                ...(isOwnedByWeak
                  ? [`ALTER ROUTINE ${routineSql(routine)} OWNER TO ${quoteName(world.state.cluster.bootstrapSuperuser)}`]
                  : []),
                ...revokeSql(`ROUTINE ${routineSql(routine)}`, routine, entriesOfOthers(routine)),
              ],
              remark: 'Grant EXECUTE again to a role that needs it, and accept the finding.',
            },
          ];
        }),
      ),
  },
  {
    name: 'guarded-function',
    summary: 'EXECUTE on a function that the server keeps from everybody',
    why: 'These functions read and write files of the server or connect back into it; no other privilege is looked at.',
    find: (world) =>
      world.databases().flatMap(({ name: database }) =>
        world.groups('routine', database).flatMap((group) =>
          group.names.flatMap((name): readonly Found[] => {
            const does = GUARDED[name.slice(0, name.indexOf('('))];
            if (does === undefined) return [];
            const open = entriesOfOthers(group).filter(({ grantee }) => world.holders(grantee, database).length > 0);
            if (open.length === 0) return [];
            const schema = group.schema ?? 'pg_catalog';
            return [
              {
                severity: does.startsWith('writes') || does.startsWith('connects') ? 'critical' : 'high',
                subject: `routine ${schema}.${name}`,
                database,
                message: `${open.map(({ grantee }) => granteeText(grantee)).join(', ')} may execute what ${does}`,
                evidence: open.map(
                  ({ grantee, grantor }) =>
                    `EXECUTE to ${granteeText(grantee)}, granted by ${grantor}; used by ${holdersText(world.holders(grantee, database))}`,
                ),
                sql: revokeSql(`ROUTINE ${routineSql({ schema, name })}`, group, open),
              },
            ];
          }),
        ),
      ),
  },
];
