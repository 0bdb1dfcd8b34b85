import type { RoleAttribute } from '../../document/document.ts';
import { quoteName } from '../../../postgres/quote.ts';
import { role } from '../../state.ts';
import type { AuditRule, Finding, Severity } from '../finding.ts';
import { holdersText, type AuditWorld } from '../world.ts';

/** From this major on CREATEROLE reaches only the roles that it was given ADMIN on. */
const FIRST_MAJOR_WITH_LIMITED_CREATEROLE = 16;

type Found = Omit<Finding, 'rule'>;

/**
 * Roles with an attribute that a login has or can become. Attributes are never inherited: only SET ROLE brings them.
 * `ofSession`: not even that does, as the server looks at who logged in.
 */
function withAttribute(
  world: AuditWorld,
  attribute: RoleAttribute,
  say: { readonly severity: Severity; readonly message: string; readonly remark?: string; readonly ofSession?: boolean },
): readonly Found[] {
  return [...world.state.cluster.roles.values()].flatMap((found): readonly Found[] => {
    if (!found.attributes[attribute] || found.attributes.superuser) return [];
    const holders = world
      .holders(role(found.name), undefined)
      .filter(({ steps }) => steps.length === 0 || (say.ofSession !== true && steps.every((step) => step.by === 'set-role')));
    if (holders.length === 0) return [];
    return [
      {
        severity: say.severity,
        subject: found.name,
        database: undefined,
        message: say.message,
        evidence: [`${found.name} has ${attribute.toUpperCase()}`, `used by ${holdersText(holders)}`],
        sql: [`ALTER ROLE ${quoteName(found.name)} NO${attribute.toUpperCase()}`],
        remark: say.remark,
      },
    ];
  });
}

export const ATTRIBUTE_RULES: readonly AuditRule[] = [
  {
    name: 'superuser-login',
    summary: 'a login that is superuser, beside the one that initdb made',
    why: 'No privilege, policy or limit holds for it, and a program that can be made to run SQL runs commands on the host.',
    find: ({ state: { cluster } }) =>
      [...cluster.roles.values()]
        .filter((each) => each.login && each.attributes.superuser && each.name !== cluster.bootstrapSuperuser)
        .map(({ name }) => ({
          severity: 'critical',
          subject: name,
          database: undefined,
          message: 'logs in as superuser: nothing in the cluster is closed to it, nor what the server may do on its host',
          evidence: [`${name} has SUPERUSER and LOGIN`],
          sql: [`ALTER ROLE ${quoteName(name)} NOSUPERUSER`],
          remark: 'Give it the privileges that it uses first.',
        })),
  },
  {
    name: 'createrole-before-16',
    summary: 'CREATEROLE on 15 and before, which can grant itself every role',
    why: 'Up to 15 the attribute is enough to grant any role that is no superuser, pg_execute_server_program among them.',
    find: (world) =>
      world.state.cluster.major >= FIRST_MAJOR_WITH_LIMITED_CREATEROLE
        ? []
        : withAttribute(world, 'createrole', {
            severity: 'critical',
            message: 'can grant itself pg_execute_server_program, and with it run programs as the server does',
            remark: 'From 16 on CREATEROLE reaches only roles that it has ADMIN on.',
          }),
  },
  {
    name: 'replication-login',
    summary: 'REPLICATION: may copy the whole cluster',
    why: 'A base backup holds every table of every database and the verifiers of all passwords, whatever was granted.',
    find: (world) =>
      withAttribute(world, 'replication', {
        severity: 'high',
        message: 'can copy the whole cluster, every table and every password verifier in it',
        ofSession: true,
        remark:
          'Backups and standbys need it: then keep the role for that alone, let pg_hba.conf admit it from their hosts only, and accept the finding.',
      }),
  },
  {
    name: 'bypassrls-login',
    summary: 'BYPASSRLS: row security does not hold',
    why: 'Policies are not looked at for a role that has it.',
    find: (world) =>
      withAttribute(world, 'bypassrls', {
        severity: 'high',
        message: 'sees and changes all rows of every table it has privileges on, whatever the policies say',
      }),
  },
];
