import { DbadminError, isDbadminError } from '../base/errors.ts';
import { describeParameters, type ConnectionParameters, type HostAddress, type SessionAttribute } from './parameters.ts';

/** What a server is when a connection to it is made. */
export interface Standing {
  readonly isStandby: boolean;
  /** A standby, or a server whose transactions cannot write unless one asks to. */
  readonly isReadOnly: boolean;
}

/** How one kind of connection is made to one host. */
export interface Approach<Connection> {
  /** @throws {DbadminError} `connection-failed` where the next host may do; any other failure ends the search. */
  connect(address: HostAddress): Promise<Connection>;
  standingOf(connection: Connection): Standing | Promise<Standing>;
  close(connection: Connection): Promise<void>;
}

/**
 * A connection to the first host that answers and is what `targetSessionAttrs` asks for.
 *
 * It is made host by host, and no library is given more than one: each has its own name to be found in the certificate, and what
 * libraries do when the last host refuses is not to be relied on. As libpq: a server that answered and refused the login ends the search.
 *
 * @throws {DbadminError} `connection-failed` that says of each host why; what the approach throws.
 */
export async function connectToWanted<Connection>(parameters: ConnectionParameters, approach: Approach<Connection>): Promise<Connection> {
  const { hosts, targetSessionAttrs } = parameters;
  const wanted: readonly SessionAttribute[] = targetSessionAttrs === 'prefer-standby' ? ['standby', 'any'] : [targetSessionAttrs];
  const failures: DbadminError[] = [];
  for (const attribute of wanted) {
    failures.length = 0;
    for (const address of hosts) {
      try {
        return await connectIfWanted(approach, address, attribute);
      } catch (error) {
        if (!isDbadminError(error, 'connection-failed')) throw error;
        failures.push(error);
      }
    }
  }
  const only = failures.length === 1 ? failures[0] : undefined;
  throw (
    only ??
    new DbadminError('connection-failed', `cannot connect to ${describeParameters(parameters)}`, {
      detail: failures.map((each) => `${each.message}${each.detail === undefined ? '' : `: ${each.detail}`}`).join('\n'),
      hint: 'Check that one of these servers runs, listens there, and is what target_session_attrs asks for.',
      cause: failures[0],
    })
  );
}

async function connectIfWanted<Connection>(
  approach: Approach<Connection>,
  address: HostAddress,
  attribute: SessionAttribute,
): Promise<Connection> {
  const connection = await approach.connect(address);
  try {
    if (attribute === 'any' || isWanted(await approach.standingOf(connection), attribute)) return connection;
  } catch (error) {
    await approach.close(connection);
    throw error;
  }
  await approach.close(connection);
  throw new DbadminError('connection-failed', `${address.host}:${address.port} is not ${attribute}`);
}

function isWanted({ isStandby, isReadOnly }: Standing, attribute: SessionAttribute): boolean {
  const answers: Readonly<Record<SessionAttribute, boolean>> = {
    any: true,
    'prefer-standby': true,
    'read-write': !isReadOnly,
    'read-only': isReadOnly,
    primary: !isStandby,
    standby: isStandby,
  };
  return answers[attribute];
}
