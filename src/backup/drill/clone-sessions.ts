const TIMEOUTS = ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout'];

/**
 * What the sessions of a drill begin with. Limits of time that came back with the cluster, its databases and its roles are for what it was
 * there for: a check that one of them ends says nothing of the backup.
 */
export function sessionSettings(major: number): Readonly<Record<string, string>> {
  const names = major >= 17 ? [...TIMEOUTS, 'transaction_timeout'] : TIMEOUTS;
  return Object.fromEntries(names.map((name) => [name, '0']));
}
