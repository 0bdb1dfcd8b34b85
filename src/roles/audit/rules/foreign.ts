import { quoteName } from '../../../postgres/quote.ts';
import { granteeText } from '../../state.ts';
import type { AuditRule, Finding } from '../finding.ts';
import type { UserMapping } from '../state.ts';
import { entriesOfOthers, holdersText, type AuditWorld, type Holder } from '../world.ts';

type Found = Omit<Finding, 'rule'>;

/** Who may use a foreign server. */
function users(world: AuditWorld, server: string, database: string): readonly Holder[] {
  const found = new Map<string, Holder>();
  for (const group of world.groups('server', database)) {
    if (!group.names.includes(server)) continue;
    const owner = { kind: 'role', name: group.owner } as const;
    for (const grantee of [owner, ...entriesOfOthers(group).map((entry) => entry.grantee)]) {
      for (const holder of world.holders(grantee, database)) if (!found.has(holder.login)) found.set(holder.login, holder);
    }
  }
  return [...found.values()];
}

function leadsBack({ host }: UserMapping): boolean {
  return host === undefined || host === '' || host === 'localhost' || host === '::1' || host.startsWith('127.') || host.startsWith('/');
}

function dropSql({ server, user }: UserMapping): string {
  return `DROP USER MAPPING FOR ${user === undefined ? 'PUBLIC' : quoteName(user)} SERVER ${quoteName(server)}`;
}

export const FOREIGN_RULES: readonly AuditRule[] = [
  {
    name: 'public-user-mapping',
    summary: 'a user mapping by which everybody logs in at a foreign server',
    why: 'Who may use the server acts there as the mapped user, with a password that they were never told.',
    find: (world) =>
      world.databases().flatMap(({ name: database, userMappings }) =>
        userMappings.flatMap((mapping): readonly Found[] => {
          const holders = mapping.user === undefined ? users(world, mapping.server, database) : [];
          if (holders.length === 0) return [];
          return [
            {
              severity: 'high',
              subject: `user mapping of ${granteeText({ kind: 'public' })} at ${mapping.server}`,
              database,
              message: `who may use the server acts there as ${mapping.remoteUser ?? 'the mapped user'}`,
              evidence: [`mapping for PUBLIC at server ${mapping.server}`, `used by ${holdersText(holders)}`],
              sql: [dropSql(mapping)],
              remark: 'Make a mapping for each role that needs one.',
            },
          ];
        }),
      ),
  },
  {
    name: 'mapping-to-superuser',
    summary: 'a user mapping that leads back to this host as a superuser',
    why: 'Through the foreign server its user is superuser here.',
    find: (world) =>
      world.databases().flatMap(({ name: database, userMappings }) =>
        userMappings.flatMap((mapping): readonly Found[] => {
          const { user, remoteUser } = mapping;
          if (user === undefined || remoteUser === undefined || !world.isSuperuser(remoteUser) || !leadsBack(mapping)) return [];
          const holders = world.holders({ kind: 'role', name: user }, database);
          if (holders.length === 0) return [];
          return [
            {
              severity: 'critical',
              subject: `user mapping of ${user} at ${mapping.server}`,
              database,
              message: `acts as the superuser ${remoteUser} through the foreign server, which is on this host`,
              evidence: [
                `server ${mapping.server} at ${mapping.host ?? 'the local socket'}${mapping.port === undefined ? '' : `:${mapping.port}`}, user ${remoteUser}`,
                `used by ${holdersText(holders)}`,
              ],
              sql: [dropSql(mapping)],
            },
          ];
        }),
      ),
  },
];
