import path from 'node:path';
import { usesSystemRoots, type ConnectionParameters } from './parameters.ts';
import type { Environment, FoundProgram } from './program-places.ts';

/**
 * What a client program of PostgreSQL gets as its environment: `env` without libpq's variables, and those that `parameters`
 * say, host, port, user and database excepted. The password goes this way because arguments can be read by everybody.
 *
 * @see https://www.postgresql.org/docs/current/libpq-envars.html
 */
export function clientEnvironment(program: FoundProgram, parameters: ConnectionParameters, env: Environment): Record<string, string> {
  const inherited = Object.entries(env).filter(([name, value]) => !name.startsWith('PG') && value !== undefined);
  const libpq: Record<string, string | undefined> = {
    PATH: [path.dirname(program.path), env['PATH'] ?? ''].join(path.delimiter),
    PGPASSWORD: parameters.password?.reveal(),
    PGSSLMODE: parameters.sslMode,
    // Without it libpq wants a file in the home directory. See wantedFor of programs.ts: older programs take the word for a file's name.
    PGSSLROOTCERT: parameters.sslRootCert ?? (usesSystemRoots(parameters) ? 'system' : undefined),
    PGSSLCERT: parameters.sslCert,
    PGSSLKEY: parameters.sslKey,
    PGTARGETSESSIONATTRS: parameters.targetSessionAttrs,
    PGCONNECT_TIMEOUT: String(Math.max(1, Math.round(parameters.connectTimeoutMs / 1000))),
    PGAPPNAME: parameters.applicationName,
  };
  const given = Object.entries(libpq).filter(([, value]) => value !== undefined);
  return Object.fromEntries([...inherited, ...given]) as Record<string, string>;
}

/** The same with host, port, user and database, for a program that takes these from its environment too. */
export function connectedEnvironment(program: FoundProgram, parameters: ConnectionParameters, env: Environment): Record<string, string> {
  return {
    ...clientEnvironment(program, parameters, env),
    PGHOST: parameters.hosts.map(({ host }) => host).join(','),
    PGPORT: parameters.hosts.map(({ port }) => port).join(','),
    PGUSER: parameters.user,
    PGDATABASE: parameters.database,
  };
}
