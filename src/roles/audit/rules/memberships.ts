import { revokeMembershipSql } from '../close.ts';
import type { AuditRule, Finding, Severity } from '../finding.ts';
import { role, type Membership } from '../../state.ts';
import { holdersText, type AuditWorld } from '../world.ts';

type Found = Omit<Finding, 'rule'>;

interface Power {
  readonly severity: Severity;
  readonly message: string;
}

/** The server's own roles that lead further than their name. */
const POWERS: Readonly<Record<string, Power>> = {
  pg_execute_server_program: { severity: 'critical', message: 'runs programs on the host of the server, as its user: COPY … PROGRAM' },
  pg_write_server_files: {
    severity: 'critical',
    message: 'writes files on the host of the server as its user, its configuration among them',
  },
  pg_read_server_files: {
    severity: 'high',
    message: 'reads files on the host of the server as its user: data files, keys, password files',
  },
  pg_write_all_data: { severity: 'high', message: 'changes rows of every table, those of job queues, ledgers and permissions among them' },
  pg_read_all_data: { severity: 'medium', message: 'reads every table of every database it may connect to, those to come among them' },
  pg_create_subscription: { severity: 'medium', message: 'lets the server connect to others and take rows from them: CREATE SUBSCRIPTION' },
  pg_maintain: { severity: 'low', message: 'vacuums, reindexes and locks every table: MAINTAIN everywhere' },
};

function predefinedRule(name: string): AuditRule {
  const power = POWERS[name] ?? { severity: 'low', message: 'has a role of the server' };
  return {
    name: name.replaceAll('_', '-'),
    summary: `a login in ${name}`,
    why: `Who is in ${name} ${power.message}.`,
    find: (world) =>
      world.state.cluster.memberships.filter((edge) => edge.role === name).flatMap((edge) => predefinedFinding(world, edge, power)),
  };
}

function predefinedFinding(world: AuditWorld, edge: Membership, power: Power): readonly Found[] {
  if (!edge.inherit && !edge.set) return [];
  const holders = world.holders(role(edge.member), undefined);
  if (holders.length === 0) return [];
  return [
    {
      severity: power.severity,
      subject: edge.member,
      database: undefined,
      message: power.message,
      evidence: [edgeText(edge), `used by ${holdersText(holders)}`],
      sql: revokeMembershipSql(world.state.cluster, edge, 'edge'),
    },
  ];
}

function edgeText({ role: of, member, grantor, admin, inherit, set }: Membership): string {
  const options = [...(inherit ? ['inherit'] : []), ...(set ? ['set'] : []), ...(admin ? ['admin'] : [])];
  return `${member} is a member of ${of} (${options.join(', ')}), granted by ${grantor}`;
}

const superuserMembership: AuditRule = {
  name: 'superuser-by-set-role',
  summary: 'a member of a superuser, which SET ROLE makes one',
  why: 'The attribute is not inherited, and yet SET ROLE to a superuser gives all of it.',
  find: (world) =>
    world.state.cluster.memberships.flatMap((edge): readonly Found[] => {
      if (!world.isSuperuser(edge.role) || world.isSuperuser(edge.member)) return [];
      const holders = world.holders(role(edge.member), undefined);
      if (holders.length === 0 || !(edge.set || edge.inherit)) return [];
      return [
        {
          severity: 'critical',
          subject: edge.member,
          database: undefined,
          message: edge.set ? `becomes superuser by SET ROLE ${edge.role}` : `has every privilege of the superuser ${edge.role}`,
          evidence: [edgeText(edge), `${edge.role} has SUPERUSER`, `used by ${holdersText(holders)}`],
          sql: revokeMembershipSql(world.state.cluster, edge, 'edge'),
        },
      ];
    }),
};

/**
 * On 16 and later each role that a CREATEROLE role makes leaves it such an edge from the bootstrap superuser: that is how it
 * keeps its own roles, and no way up, unless the role is one that leads further.
 */
const adminOption: AuditRule = {
  name: 'admin-option',
  summary: 'ADMIN OPTION: may grant a role to itself and to others',
  why: 'Whoever may grant a role has it: nothing keeps it from granting the role to itself.',
  find: (world) => {
    const { cluster } = world.state;
    return cluster.memberships.flatMap((edge): readonly Found[] => {
      if (!edge.admin || world.isSuperuser(edge.member)) return [];
      const strong = strongestOf(world, edge.role);
      const keepsItsOwn =
        cluster.major >= 16 &&
        edge.grantor === cluster.bootstrapSuperuser &&
        cluster.roles.get(edge.member)?.attributes.createrole === true;
      if (keepsItsOwn && strong === undefined) return [];
      const holders = world.holders(role(edge.member), undefined);
      if (holders.length === 0) return [];
      return [
        {
          severity: strong === undefined ? 'medium' : 'critical',
          subject: edge.member,
          database: undefined,
          message: `can give ${edge.role} to itself and to anybody${strong === undefined ? '' : `, and with it ${strong}`}`,
          evidence: [edgeText(edge), `used by ${holdersText(holders)}`],
          sql: revokeMembershipSql(cluster, edge, 'admin'),
        },
      ];
    });
  },
};

/** What makes a role one that leads to the host or to everything. */
function strongestOf(world: AuditWorld, name: string): string | undefined {
  const { cluster } = world.state;
  for (const each of cluster.roles.values()) {
    const leads = each.attributes.superuser || POWERS[each.name]?.severity === 'critical';
    if (leads && (each.name === name || (!world.isSuperuser(name) && world.actsAs(name, each.name, undefined)))) return each.name;
  }
  return cluster.major < 16 && cluster.roles.get(name)?.attributes.createrole === true ? 'CREATEROLE' : undefined;
}

export const MEMBERSHIP_RULES: readonly AuditRule[] = [superuserMembership, ...Object.keys(POWERS).map(predefinedRule), adminOption];
