import { quoteIdentifier } from '../postgres/quote.ts';
import type { ClusterTraces } from './inspect.ts';

/** One statement, and where it runs. */
export interface UninstallStep {
  /** Undefined: any database will do. */
  readonly database: string | undefined;
  readonly what: string;
  readonly sql: string;
}

export interface UninstallPlan {
  /** In the order in which they are run. */
  readonly steps: readonly UninstallStep[];
  /** What stays, a sentence each without its stop. */
  readonly left: readonly string[];
  /** What has to end first, a sentence each without its stop. */
  readonly blockers: readonly string[];
}

/** What would have to be done so that nothing of dbadmin is left in a cluster. Applied migrations are the user's, and stay. */
export function planUninstall(traces: ClusterTraces): UninstallPlan {
  const made = rolesMade(traces);
  const droppable = made.filter((role) => traces.roles.get(role)?.owns === 0 && role !== traces.currentRole);
  const steps: UninstallStep[] = [
    ...traces.slots.map(({ name }) => ({
      database: undefined,
      what: `replication slot ${name}`,
      sql: `SELECT pg_catalog.pg_drop_replication_slot('${name.replaceAll("'", "''")}')`,
    })),
    ...traces.databases.flatMap((database) => schemaSteps(database)),
    ...traces.databases.flatMap(({ name }) =>
      droppable.map((role) => ({
        database: name,
        what: `privileges of ${role} in ${name}`,
        sql: `DROP OWNED BY ${quoteIdentifier(role)}`,
      })),
    ),
    ...droppable.map((role) => ({ database: undefined, what: `role ${role}`, sql: `DROP ROLE ${quoteIdentifier(role)}` })),
  ];
  return { steps, left: leftOf(traces, made, droppable), blockers: blockersOf(traces) };
}

/** Roles that `roles apply` made, by its record, and that are there. */
function rolesMade({ databases, roles }: ClusterTraces): readonly string[] {
  const made = new Set<string>();
  for (const statement of databases.flatMap(({ statements }) => statements)) {
    const [, quoted, plain] = /^CREATE ROLE (?:"((?:[^"]|"")+)"|([a-z_][\w$]*))/i.exec(statement) ?? [];
    const name = quoted === undefined ? plain?.toLowerCase() : quoted.replaceAll('""', '"');
    if (name !== undefined && roles.has(name)) made.add(name);
  }
  return [...made].sort();
}

function schemaSteps({ name, schemas }: ClusterTraces['databases'][number]): readonly UninstallStep[] {
  return schemas.flatMap((schema): readonly UninstallStep[] => {
    const quoted = quoteIdentifier(schema.name);
    const goes = schema.kind === 'jobs' || (schema.others.length === 0 && schema.name !== 'public');
    if (goes) {
      const holds =
        schema.kind === 'jobs'
          ? 'the queue, what ran, what is paused'
          : schema.ours.filter((each) => each.startsWith('table')).join(', ') || 'nothing';
      return [{ database: name, what: `schema ${schema.name} in ${name}: ${holds}`, sql: `DROP SCHEMA ${quoted} CASCADE` }];
    }
    // Tables take their triggers and sequences along; the functions of the triggers come after.
    return ['table', 'function'].flatMap((kind) =>
      schema.ours
        .filter((each) => each.startsWith(`${kind} `))
        .map((each) => ({
          database: name,
          what: `${each} of schema ${schema.name} in ${name}`,
          sql: `DROP ${kind.toUpperCase()} ${quoted}.${quoteIdentifier(each.slice(kind.length + 1))}`,
        })),
    );
  });
}

function leftOf(traces: ClusterTraces, made: readonly string[], droppable: readonly string[]): readonly string[] {
  const schemas = traces.databases.flatMap(({ name, schemas: all }) => all.map((schema) => ({ database: name, ...schema })));
  const statements = traces.databases
    .flatMap((database) => database.statements)
    .filter((statement) => /^(GRANT|REVOKE|ALTER)\b/i.test(statement));
  return [
    'every backup and all WAL: repositories are not touched',
    ...schemas
      .filter(({ appliedMigrations }) => appliedMigrations > 0)
      .map(
        ({ database, appliedMigrations }) =>
          `what migrations made in ${database} (${appliedMigrations} entries in the history): it is yours; without the history dbadmin would apply them again`,
      ),
    ...schemas
      .filter(({ others }) => others.length > 0)
      .map(({ database, name, others }) => `schema ${name} in ${database}: it also holds ${others.join(', ')}`),
    ...made
      .filter((role) => !droppable.includes(role))
      .map((role) =>
        role === traces.currentRole
          ? `role ${role}: it is the one that is connected`
          : `role ${role}: it owns ${traces.roles.get(role)?.owns ?? 0} objects; REASSIGN OWNED BY ${quoteIdentifier(role)} TO another one first, or drop it by hand later: the record that dbadmin made it goes`,
      ),
    ...(statements.length === 0
      ? []
      : [
          `privileges and settings that roles apply changed on roles and objects which it did not make: look at what GRANT, REVOKE and ALTER it recorded before the record goes (dbadmin roles history)`,
        ]),
    ...traces.unread.map((name) => `database ${name}: it lets this role not in, and was not looked at`),
    'the project: dbadmin.yaml, migrations, roles and policies on this machine, and whatever schedule was exported',
  ];
}

function blockersOf({ slots, sessions }: ClusterTraces): readonly string[] {
  return [
    ...slots
      .filter(({ isActive }) => isActive)
      .map(({ name }) => `slot ${name} is being read: stop dbadmin worker and dbadmin wal receive`),
    ...sessions.map(({ pid, name }) => `${name} is connected (pid ${pid}): stop it`),
  ];
}
