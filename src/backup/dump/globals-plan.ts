/** What a cluster has already of what globals make. Names are as the catalog has them. */
export interface PresentGlobals {
  readonly roles: ReadonlySet<string>;
  readonly tablespaces: ReadonlySet<string>;
  readonly memberships: readonly Membership[];
}

export interface Membership {
  readonly role: string;
  readonly member: string;
}

/** The statements of a dump's globals that are run in a cluster, in this order. What is there stays as it is. */
export interface GlobalsPlan {
  /** Of the session. */
  readonly settings: readonly string[];
  /** In one transaction: a role that is half made would be taken for one that was there. */
  readonly roles: readonly string[];
  /** One by one: tablespaces are made in no transaction. */
  readonly tablespaces: readonly string[];
  /** Roles and tablespaces of the dump that were there. */
  readonly kept: { readonly roles: readonly string[]; readonly tablespaces: readonly string[] };
  /** Statements that would have given something to a role that was there, or that are not known here. */
  readonly leftOut: readonly string[];
}

type Subject =
  | { readonly kind: 'session' | 'unknown' }
  | { readonly kind: 'role' | 'tablespace' | 'parameter'; readonly name: string }
  | ({ readonly kind: 'membership' } & Membership);

/**
 * Decides what of a dump's globals is run. pg_dumpall writes for every role CREATE and then ALTER ROLE, its settings and
 * memberships: of a role that is there none may be run, or somebody whose login, superuser or membership was taken away since the
 * dump has it again, and a role loses what it was given since.
 */
export function planGlobals(statements: readonly string[], present: PresentGlobals): GlobalsPlan {
  const settings: string[] = [];
  const roles: string[] = [];
  const tablespaces: string[] = [];
  const keptRoles = new Set<string>();
  const keptTablespaces = new Set<string>();
  const leftOut: string[] = [];
  // SET SESSION AUTHORIZATION around grants of others than the owner: not run when none of those is.
  let authorization: string | undefined;
  let place = settings;
  const run = (statement: string): void => {
    if (authorization !== undefined) place.push(authorization);
    authorization = undefined;
    place.push(statement);
  };
  for (const statement of statements) {
    const subject = subjectOf(statement);
    if (subject.kind === 'tablespace') place = tablespaces;
    else if (subject.kind !== 'session' && place === settings) place = roles;
    switch (subject.kind) {
      case 'session':
        // The text was read by it, and the driver speaks UTF-8 whatever is set.
        if (statement.startsWith('SET client_encoding ')) break;
        if (statement.startsWith('SET SESSION AUTHORIZATION')) authorization = statement;
        else if (statement.startsWith('RESET SESSION AUTHORIZATION') && authorization !== undefined) authorization = undefined;
        else place.push(statement);
        break;
      case 'role':
        if (present.roles.has(subject.name)) keptRoles.add(subject.name);
        else run(statement);
        break;
      case 'tablespace':
        if (present.tablespaces.has(subject.name)) keptTablespaces.add(subject.name);
        else run(statement);
        break;
      case 'parameter':
        if (!present.roles.has(subject.name) && subject.name !== 'PUBLIC') run(statement);
        else if (statement.startsWith('GRANT')) leftOut.push(statement);
        break;
      case 'membership':
        if (!present.roles.has(subject.member)) run(withoutPresentGrantor(statement, present.roles));
        else if (!present.memberships.some(({ role, member }) => role === subject.role && member === subject.member))
          leftOut.push(statement);
        break;
      case 'unknown':
        leftOut.push(statement);
        break;
    }
  }
  return { settings, roles, tablespaces, kept: { roles: [...keptRoles], tablespaces: [...keptTablespaces] }, leftOut };
}

const NAME = String.raw`("(?:[^"]|"")*"|[^\s",;]+)`;
const ABOUT = {
  role: new RegExp(`^(?:CREATE ROLE|ALTER ROLE|COMMENT ON ROLE|SECURITY LABEL FOR ${NAME} ON ROLE) ${NAME}`),
  tablespace: new RegExp(
    `^(?:CREATE TABLESPACE|ALTER TABLESPACE|COMMENT ON TABLESPACE|SECURITY LABEL FOR ${NAME} ON TABLESPACE|(?:GRANT|REVOKE)[A-Z ,]* ON TABLESPACE) ${NAME}`,
  ),
  parameter: new RegExp(`^(?:GRANT|REVOKE)[A-Z ,]* ON PARAMETER ${NAME} (?:TO|FROM) ${NAME}`),
  membership: new RegExp(`^GRANT ${NAME} TO ${NAME}`),
};

function subjectOf(statement: string): Subject {
  if (/^(SET|RESET) |^SELECT pg_catalog\.set_config\(/.test(statement)) return { kind: 'session' };
  // Of every role, those that are there with them. A role of that name is in quotes.
  if (statement.startsWith('ALTER ROLE ALL ')) return { kind: 'unknown' };
  for (const kind of ['role', 'tablespace', 'parameter'] as const) {
    const match = ABOUT[kind].exec(statement);
    if (match !== null) return { kind, name: unquoted(match[2] ?? match[1]) };
  }
  const membership = ABOUT.membership.exec(statement);
  if (membership === null) return { kind: 'unknown' };
  return { kind: 'membership', role: unquoted(membership[1]), member: unquoted(membership[2]) };
}

/** A grantor that was there may have lost the right to grant this, or is given it by a statement that is not run. */
function withoutPresentGrantor(statement: string, roles: ReadonlySet<string>): string {
  const match = new RegExp(` GRANTED BY ${NAME};$`).exec(statement);
  return match !== null && roles.has(unquoted(match[1])) ? `${statement.slice(0, match.index)};` : statement;
}

/** A name as the catalog has it. */
function unquoted(name = ''): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}
