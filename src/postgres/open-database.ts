/** Whether database `d` takes connections. One whose DROP was interrupted has the limit -2 and takes none, not even a superuser's. */
export const TAKES_CONNECTIONS_SQL = '(d.datallowconn and d.datconnlimit <> -2)';
