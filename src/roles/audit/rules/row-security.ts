import { quoteName } from '../../../postgres/quote.ts';
import { role } from '../../state.ts';
import { qualified, revokeSql } from '../close.ts';
import type { AuditRule, Finding } from '../finding.ts';
import type { SecuredView } from '../state.ts';
import { entriesOfOthers, holdersText, type AuditWorld, type Holder } from '../world.ts';

type Found = Omit<Finding, 'rule'>;

/** From this major on a view can read as whoever asks it. */
const FIRST_MAJOR_WITH_SECURITY_INVOKER = 15;

/** Row security does not hold for what reads as the view's owner. */
function ownerSeesAll(world: AuditWorld, view: SecuredView, database: string): boolean {
  const owner = world.state.cluster.roles.get(view.owner);
  if (owner?.attributes.superuser === true || owner?.attributes.bypassrls === true) return true;
  return !view.tableForced && world.actsAs(view.owner, view.tableOwner, database);
}

function viewFinding(world: AuditWorld, view: SecuredView, database: string): readonly Found[] {
  const group = world.groups('table', database).find((each) => each.schema === view.schema && each.names.includes(view.name));
  if (group === undefined || !(view.materialized || ownerSeesAll(world, view, database))) return [];
  const open = entriesOfOthers(group).filter(({ privilege }) => privilege === 'SELECT');
  const readers = new Map<string, Holder>();
  for (const { grantee } of open) {
    for (const holder of world.holders(grantee, database)) {
      if (!world.actsAs(holder.login, view.tableOwner, database)) readers.set(holder.login, holder);
    }
  }
  if (readers.size === 0) return [];
  const isClosedByInvoker = !view.materialized && world.state.cluster.major >= FIRST_MAJOR_WITH_SECURITY_INVOKER;
  return [
    {
      severity: 'high',
      subject: `view ${view.schema}.${view.name}`,
      database,
      message: `shows all rows of ${view.tableSchema}.${view.table}, whatever its policies say`,
      evidence: [
        `${view.tableSchema}.${view.table} has row security, and ${view.materialized ? 'the view holds a copy of its rows' : `the view reads it as ${view.owner}`}`,
        `read by ${holdersText([...readers.values()])}`,
      ],
      sql: isClosedByInvoker
        ? [`ALTER VIEW ${qualified(view.schema, view.name)} SET (security_invoker = true)`]
        : revokeSql(`TABLE ${qualified(view.schema, view.name)}`, group, open),
      remark: isClosedByInvoker ? 'Who reads the view then needs SELECT on what it reads.' : undefined,
    },
  ];
}

export const ROW_SECURITY_RULES: readonly AuditRule[] = [
  {
    name: 'view-past-row-security',
    summary: 'a view that shows rows which policies hide',
    why: "A view reads with its owner's privileges, and owners and superusers are not held by policies.",
    find: (world) => world.databases().flatMap(({ name, securedViews }) => securedViews.flatMap((view) => viewFinding(world, view, name))),
  },
  {
    name: 'policies-without-row-security',
    summary: 'policies on a table whose row security is off',
    why: 'They look like protection and are not looked at.',
    find: (world) =>
      world.databases().flatMap(({ name: database, securedTables }) =>
        securedTables
          .filter(({ enabled, policies }) => !enabled && policies.length > 0)
          .map(({ schema, name, policies }) => ({
            severity: 'high' as const,
            subject: `table ${schema}.${name}`,
            database,
            message: 'shows all its rows: its policies are not looked at',
            evidence: [`row security is off; policies: ${policies.map((policy) => policy.name).join(', ')}`],
            sql: [`ALTER TABLE ${qualified(schema, name)} ENABLE ROW LEVEL SECURITY`],
            remark: 'Who no policy lets in sees nothing then.',
          })),
      ),
  },
  {
    name: 'owner-past-row-security',
    summary: 'a login that owns a table with row security, which does not hold for it',
    why: 'The owner of a table is not held by its policies unless they are forced; an application that logs in as the owner sees every tenant.',
    find: (world) =>
      world.databases().flatMap(({ name: database, securedTables }) =>
        securedTables.flatMap(({ schema, name, owner, enabled, forced }): readonly Found[] => {
          if (!enabled || forced || world.isSuperuser(owner)) return [];
          const holders = world.holders(role(owner), database).filter(({ steps }) => !steps.some((step) => step.by === 'set-role'));
          if (holders.length === 0) return [];
          return [
            {
              severity: 'medium',
              subject: `table ${schema}.${name}`,
              database,
              message: "shows all its rows to logins that have its owner's privileges at once",
              evidence: [`owner ${owner}, row security is not forced`, `used by ${holdersText(holders)}`],
              sql: [`ALTER TABLE ${qualified(schema, name)} FORCE ROW LEVEL SECURITY`],
              remark: 'The owner needs a policy then to see anything.',
            },
          ];
        }),
      ),
  },
  {
    name: 'policy-true',
    summary: 'a policy that lets everybody change every row',
    why: 'Permissive policies are joined by OR: one that says true makes the others mean nothing.',
    find: (world) =>
      world.databases().flatMap(({ name: database, securedTables }) =>
        securedTables.flatMap(({ schema, name, enabled, policies }) =>
          policies
            .filter((policy) => enabled && policy.permissive && policy.forPublic && policy.command !== 'SELECT' && isTrue(policy))
            .map((policy) => ({
              severity: 'medium' as const,
              subject: `policy ${policy.name} on ${schema}.${name}`,
              database,
              message: `lets everybody ${policy.command === 'ALL' ? 'read and change' : policy.command} every row, whatever other policies say`,
              evidence: [`permissive, FOR ${policy.command} TO PUBLIC, USING (${policy.using ?? ''})`],
              sql: [`DROP POLICY ${quoteName(policy.name)} ON ${qualified(schema, name)}`],
              remark: 'Who no other policy lets in sees nothing then.',
            })),
        ),
      ),
  },
];

function isTrue({ using, check }: { readonly using: string | undefined; readonly check: string | undefined }): boolean {
  return (using ?? check) === 'true' && (check ?? 'true') === 'true';
}
