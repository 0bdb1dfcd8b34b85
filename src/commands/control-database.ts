import type { Config } from '../config/config.ts';
import { describeParameters } from '../postgres/parameters.ts';
import { quoteIdentifier } from '../postgres/quote.ts';
import { openPool, type ConnectionPool } from '../postgres/pool.ts';
import type { ControlPlace } from '../schedule/control/due-apply.ts';
import { ensureTables, inspectTables, refuseNewer } from '../schedule/control/tables-apply.ts';
import { DbadminError } from '../base/errors.ts';

const QUERY_TIMEOUT_MS = 10_000;
const FEW = 2;

/** Connects to the control database; the tables may be missing. */
export async function connectControl({ control }: Config, applicationName: string, max = FEW): Promise<ConnectionPool> {
  return await openPool(control.connection, { applicationName, max, queryTimeoutMs: QUERY_TIMEOUT_MS });
}

/**
 * The control database with its tables, for a command that reads it. Close its pool when done.
 *
 * @throws {DbadminError} `config-missing` when no worker has ever made the tables; `history-newer`; failures to connect.
 */
export async function openControl(config: Config, applicationName: string): Promise<ControlPlace> {
  const pool = await connectControl(config, applicationName);
  const { schema } = config.control;
  try {
    const version = await inspectTables(pool, schema);
    if (version === undefined) {
      throw new DbadminError('config-missing', `the control database has no schema ${schema} of dbadmin's`, {
        detail: 'What runs is recorded there once a worker has been started, or a job was run with control in dbadmin.yaml.',
        hint: 'Start dbadmin worker, or name the database that the workers use under control in dbadmin.yaml.',
      });
    }
    refuseNewer(schema, version);
    // An older one is led to this version by whoever comes first and may write.
    if (config.control.connection.isReadOnly !== true) await ensureTables(pool, schema);
    await refuseUnreadable(pool, schema, config);
    return { pool, schema };
  } catch (error) {
    await pool.close();
    throw error;
  }
}

/** Told before a query fails in the words of the server, which name neither who may grant it nor what is needed. */
async function refuseUnreadable(pool: ConnectionPool, schema: string, { control }: Config): Promise<void> {
  const [row] = await pool.query<{ role: string; readable: boolean }>(
    `select current_user::text as role, case when has_schema_privilege($1, 'usage')
        then has_table_privilege(format('%I.run', $1::text), 'select') else false end as readable`,
    [schema],
  );
  if (row?.readable !== false) return;
  const [quoted, role] = [quoteIdentifier(schema), quoteIdentifier(row.role)];
  throw new DbadminError(
    'privilege-missing',
    `role "${row.role}" may not read what ran: schema ${schema} of ${describeParameters(control.connection)}`,
    {
      hint: `GRANT USAGE ON SCHEMA ${quoted} TO ${role}; GRANT SELECT ON ALL TABLES IN SCHEMA ${quoted} TO ${role};`,
    },
  );
}

/**
 * The control database, if something is to be recorded there: where dbadmin.yaml names one, its tables are made; elsewhere
 * only those are used that a worker has made. Undefined when there are none.
 */
export async function openControlToRecord(config: Config, applicationName: string): Promise<ControlPlace | undefined> {
  const pool = await connectControl(config, applicationName, 1);
  const { schema, isStated } = config.control;
  try {
    const version = await inspectTables(pool, schema);
    if (isStated || version !== undefined) {
      if (version !== undefined) refuseNewer(schema, version);
      // Whoever may only read goes on with those of an older version until somebody leads them on.
      if (config.control.connection.isReadOnly !== true) await ensureTables(pool, schema);
      return { pool, schema };
    }
  } catch (error) {
    await pool.close();
    throw error;
  }
  await pool.close();
  return undefined;
}
