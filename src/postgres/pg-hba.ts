/** Whom a pg_hba.conf line is to let in, and how. */
export interface HbaRequest {
  readonly database: string;
  readonly user: string;
  /** Address of the client as the server sees it, or undefined for a Unix socket. */
  readonly address: string | undefined;
  readonly encrypted: boolean;
}

/**
 * The pg_hba.conf line that lets one user in from one address: `hostssl replication dbadmin 192.0.2.7/32 scram-sha-256`.
 *
 * @see https://www.postgresql.org/docs/current/auth-pg-hba-conf.html
 */
export function hbaLine(request: HbaRequest): string {
  const who = `${word(request.database)} ${word(request.user)}`;
  if (request.address === undefined) return `local ${who} scram-sha-256`;
  // A zone belongs to this machine's interface; the server knows none.
  const address = request.address.replace(/%.*$/, '');
  return `${request.encrypted ? 'hostssl' : 'host'} ${who} ${address}/${address.includes(':') ? 128 : 32} scram-sha-256`;
}

/** The client's address in "no pg_hba.conf entry for … from host "192.0.2.7", …", or undefined for a Unix socket or another message. */
export function refusedAddress(message: string): string | undefined {
  const address = /from host "([^"]+)"/.exec(message)?.[1] ?? / host "([^"]+)"/.exec(message)?.[1];
  return address === '[local]' ? undefined : address;
}

function word(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_$-]*$/.test(name) ? name : `"${name}"`;
}
