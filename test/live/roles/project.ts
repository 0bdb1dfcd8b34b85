import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import postgres from 'postgres';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLog } from '../../../src/base/log.ts';
import { applyRoles, type ApplyOptions } from '../../../src/roles/apply.ts';
import { describeChange } from '../../../src/roles/describe.ts';
import { parseRolesDocument } from '../../../src/roles/document/parse.ts';
import { inspectRoles } from '../../../src/roles/inspect.ts';
import { planRoles, type RolesPlan } from '../../../src/roles/plan.ts';
import type { ConnectionParameters } from '../../../src/postgres/parameters.ts';
import type { TestCluster } from '../../postgres/cluster.ts';

/** A roles file and the cluster it is for. */
export interface Project {
  readonly directory: string;
  plan(text: string): Promise<RolesPlan>;
  /** Plans and applies; gives the number of transactions. */
  apply(text: string, more?: Partial<ApplyOptions>): Promise<number>;
  /** The plan as lines, without risks. */
  lines(text: string): Promise<readonly string[]>;
  /** Removes its directory. */
  close(): Promise<void>;
}

export async function openProject(
  cluster: TestCluster,
  env: Readonly<Record<string, string>> = {},
  connection: ConnectionParameters = cluster.parameters(),
): Promise<Project> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-roles-'));
  const sources = { env, directory };
  const plan = async (text: string): Promise<RolesPlan> => {
    const document = parseRolesDocument(text, 'roles.yaml');
    return planRoles(document, await inspectRoles(document, connection, sources), new Date());
  };
  return {
    directory,
    plan,
    close: async () => await rm(directory, { recursive: true, force: true }),
    apply: async (text, more) =>
      await applyRoles(parseRolesDocument(text, 'roles.yaml'), await plan(text), {
        connection,
        sources,
        clock: systemClock,
        log: silentLog,
        signal: new AbortController().signal,
        randomBytes,
        lockTimeoutMs: 500,
        waitMs: 20_000,
        ...more,
      }),
    lines: async (text) =>
      (await plan(text)).changes.map((change) => {
        const { subject, sign, text: what, remark } = describeChange(change);
        return `${subject} ${sign} ${what}${remark === '' ? '' : ` (${remark})`}`;
      }),
  };
}

/** A connection that tells nobody about notices. */
export function connect(url: string): postgres.Sql {
  return postgres(url, { max: 1, onnotice: () => undefined });
}

/** The SQLSTATE of a statement run as `user`, or `ok`. */
export async function outcome(cluster: TestCluster, database: string, user: string, statement: string): Promise<string> {
  const sql = connect(cluster.url(database, user));
  try {
    await sql.unsafe(statement);
    return 'ok';
  } catch (error) {
    return error instanceof postgres.PostgresError ? error.code : String(error);
  } finally {
    await sql.end({ timeout: 1 });
  }
}
