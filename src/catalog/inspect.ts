import type postgres from 'postgres';
import { DbadminError, messageOf, systemCodeOf } from '../base/errors.ts';
import { suggestion } from '../base/spelling.ts';
import { readGrants, type AclRow } from './acl.ts';
import type { Catalog, SchemaEntry } from './catalog.ts';
import { inspectRelations } from './inspect-relations.ts';
import { inspectRoutines, inspectTypes } from './inspect-routines.ts';

export interface InspectOptions {
  /** Names, or patterns with * and ?; all schemas but the server's own where there is none. */
  readonly schemas: readonly string[];
  /** Left out unless named: dbadmin's own history. */
  readonly without: readonly string[];
}

interface SchemaRow {
  readonly name: string;
  readonly owner: string;
  readonly comment: string | null;
  readonly acl: readonly AclRow[] | null;
  readonly isBare: boolean;
}

/**
 * Reads the catalog of the database in one read-only transaction. No right on the objects is needed: the catalog tells
 * everybody who may connect. What belongs to an extension is left out.
 *
 * @throws {DbadminError} `refused` for a schema that is not there, `privilege-missing` where the catalog itself is closed.
 */
export async function inspectCatalog(sql: postgres.Sql, options: InspectOptions): Promise<Catalog> {
  try {
    return await sql.begin('isolation level repeatable read read only', async (transaction) => {
      // With an empty path every name in an expression comes with its schema, whatever the role's own path is.
      await transaction.unsafe(`set local search_path = ''; set local quote_all_identifiers = off; set local datestyle = 'ISO, YMD'`);
      const chosen = chooseSchemas(await readSchemas(transaction), options);
      const names = chosen.map(({ name }) => name);
      const relations = await inspectRelations(transaction, names);
      const routines = await inspectRoutines(transaction, names);
      const types = await inspectTypes(transaction, names);
      const [database] = await transaction<{ name: string; comment: string | null }[]>`
        select d.datname as name, pg_catalog.shobj_description(d.oid, 'pg_database') as comment
        from pg_catalog.pg_database as d where d.datname = pg_catalog.current_database()`;
      const extensions = await transaction<{ name: string }[]>`
        select e.extname as name from pg_catalog.pg_extension as e where e.extname <> 'plpgsql' order by e.extname collate "C"`;
      return {
        database: database?.name ?? '',
        comment: database?.comment ?? undefined,
        extensions: extensions.map(({ name }) => name),
        schemas: chosen.map(({ name, owner, comment, acl }): SchemaEntry => ({
          name,
          owner,
          comment: comment ?? undefined,
          grants: readGrants(acl),
          relations: relations.filter(({ schema }) => schema === name),
          routines: routines.filter(({ schema }) => schema === name),
          types: types.filter(({ schema }) => schema === name),
        })),
      };
    });
  } catch (error) {
    if (systemCodeOf(error) !== '42501') throw error;
    throw new DbadminError('privilege-missing', 'this role may not read the system catalog', {
      detail: messageOf(error),
      hint: 'Somebody took the usual rights on pg_catalog from PUBLIC: use a role that has them.',
      cause: error,
    });
  }
}

async function readSchemas(sql: postgres.TransactionSql): Promise<readonly SchemaRow[]> {
  return await sql<SchemaRow[]>`
    select n.nspname as name, pg_catalog.pg_get_userbyid(n.nspowner) as owner, pg_catalog.obj_description(n.oid, 'pg_namespace') as comment,
      (select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('grantee', g.grantee::pg_catalog.text::pg_catalog.int8,
         'role', pg_catalog.pg_get_userbyid(g.grantee), 'privilege', g.privilege_type, 'grantable', g.is_grantable))
       from pg_catalog.aclexplode(n.nspacl) as g where g.grantee <> n.nspowner) as acl,
      not exists (select from pg_catalog.pg_class as c where c.relnamespace = n.oid)
        and not exists (select from pg_catalog.pg_proc as p where p.pronamespace = n.oid) as "isBare"
    from pg_catalog.pg_namespace as n
    where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    order by n.nspname collate "C"`;
}

function chooseSchemas(all: readonly SchemaRow[], { schemas, without }: InspectOptions): readonly SchemaRow[] {
  if (schemas.length === 0) return all.filter(({ name, isBare }) => !without.includes(name) && !(name === 'public' && isBare));
  for (const wanted of schemas) {
    if (all.some(({ name }) => matches(wanted, name))) continue;
    const names = all.map(({ name }) => name);
    throw new DbadminError('refused', `there is no schema ${wanted}${suggestion(wanted, names)}`, {
      hint: names.length === 0 ? 'The database has none of its own.' : `There are: ${names.join(', ')}.`,
    });
  }
  return all.filter(({ name }) => schemas.some((wanted) => matches(wanted, name)));
}

/** A name that is there stands for itself, even one with a star. */
function matches(wanted: string, name: string): boolean {
  if (wanted === name) return true;
  if (!/[*?]/.test(wanted)) return false;
  const pattern = wanted
    .split(/([*?])/)
    .map((part) => (part === '*' ? '.*' : part === '?' ? '.' : part.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')))
    .join('');
  return new RegExp(`^${pattern}$`, 's').test(name);
}
