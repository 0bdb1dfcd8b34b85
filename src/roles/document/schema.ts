import { z } from 'zod';
import { OBJECT_FORMS } from '../object-forms.ts';
import { privilegesOf, type PrivilegeKind } from '../privileges.ts';
import { MODES, ROLE_ATTRIBUTES } from './document.ts';
import { POLICY_COMMANDS } from './lifecycle.ts';
import { AUTH_METHODS } from './parse-roles.ts';
import { PROFILE_PARTS, profilePartKind } from './parse-profiles.ts';

/*
 * What an editor needs to complete and check a roles file. The file itself is read by `parseRolesDocument`, which knows where
 * everything stands and what goes with what; a test holds the two together, key by key.
 */

const name = z.string().min(1).describe('a name, at most 63 bytes');
const names = z.union([name, z.array(name)]);
const text = z.union([z.string(), z.number()]);
const instant = z.string().describe('2027-01-31, or 2027-01-31T18:00:00+05:30');
const globs = z
  .union([z.string(), z.array(z.string())])
  .describe('globs: * is any run of characters, ? is one, \\ takes the next literally');
const grantOption = z.boolean().describe('may grant it on').optional();
const object = z
  .string()
  .describe(
    `a kind and a name: ${OBJECT_FORMS.slice(0, 3).join(', ')} …, as in table core.play, routine core.merge(bigint, text), view core.*, server lake`,
  );
const setting = z.union([z.string(), z.number(), z.boolean(), z.array(z.union([z.string(), z.number()]))]);
const settings = z.record(z.string(), setting).describe('parameters as SET takes them');

function privileges(kind: PrivilegeKind): z.ZodType {
  const words = privilegesOf(kind).map((each) => each.toLowerCase());
  const word = z.enum([...words, 'all', ...(kind === 'database' ? ['temp'] : [])]);
  return z.union([word, z.array(word)]);
}

const anyPrivileges = z.union([z.string(), z.array(z.string())]).describe('privileges of the kind, or all');

const membership = z.union([
  name,
  z.strictObject({
    role: name,
    admin: z.boolean().describe('may give the membership to others').optional(),
    inherit: z.boolean().describe("has the role's privileges at once; the member's own attribute when left out").optional(),
    set: z.boolean().describe('may SET ROLE to it; 16 and later').optional(),
    until: instant.describe('taken away after this').optional(),
    granted_by: name.describe('who is written as the grantor; 16 and later').optional(),
  }),
]);

const password = z.union([
  z.strictObject({ from: z.literal('env'), name: z.string() }),
  z.strictObject({ from: z.literal('file'), path: z.string() }),
  z.strictObject({ from: z.literal('command'), command: z.array(z.string()).min(1) }),
  z.strictObject({ from: z.literal('generate'), path: z.string() }),
  z.strictObject({ from: z.literal('keep') }),
]);

const attribute = z.enum([...ROLE_ATTRIBUTES, ...ROLE_ATTRIBUTES.map((each) => `no${each}` as const)]);

const group = z
  .strictObject({
    comment: z.string().optional(),
    member_of: z.union([membership, z.array(membership)]).optional(),
    attributes: z.union([attribute, z.array(attribute)]).optional(),
    connection_limit: z.int().optional(),
    valid_until: z.string().describe('the end of the password: 2027-01-31, 2027-01-31T18:00:00+05:30, infinity or -infinity').optional(),
    settings: settings.optional(),
    settings_in: z.record(name, settings).describe('by database').optional(),
  })
  .nullable();

const login = group
  .unwrap()
  .extend({ password: password.optional(), auth: z.enum(AUTH_METHODS).describe('how it logs in, when not by password').optional() })
  .nullable();

const profile = z.strictObject({
  include: names.optional(),
  ...Object.fromEntries(PROFILE_PARTS.map((part) => [part, privileges(profilePartKind(part)).optional()])),
  if_server: z.string().describe('only on such servers: ">=17"').optional(),
});

const schema = z
  .strictObject({
    owner: name.optional(),
    owns: z
      .union([
        z.literal('all'),
        z.enum(['tables', 'sequences', 'routines', 'types']),
        z.array(z.enum(['all', 'tables', 'sequences', 'routines', 'types'])),
      ])
      .describe('objects in the schema that belong to its owner as well')
      .optional(),
    creators: names.describe('who makes objects here: access covers theirs too; the owner when left out').optional(),
  })
  .nullable();

const access = z.strictObject({
  profile: name.describe('a profile, on whole schemas').optional(),
  grant: anyPrivileges.optional(),
  on: z.union([object, names]),
  to: names,
  except: names.describe('schema.name of what is left out').optional(),
  with_grant_option: grantOption,
});

const grant = z.strictObject({
  profile: name.optional(),
  grant: anyPrivileges.optional(),
  on: z.union([object, z.array(object)]),
  columns: names.optional(),
  to: names.describe('roles; public is PUBLIC'),
  except: names.optional(),
  by: names.describe('who makes the new objects').optional(),
  with_grant_option: grantOption,
  granted_by: name.describe('who is written as the grantor; the owner when left out').optional(),
});

const columns = z.strictObject({
  on: object,
  to: names,
  allow: names.describe('these columns and no others').optional(),
  deny: names.describe('all columns but these').optional(),
  privileges: privileges('column').optional(),
  with_grant_option: grantOption,
});

const policy = z.strictObject({
  name,
  for: z.enum(POLICY_COMMANDS).optional(),
  to: names.optional(),
  using: z.string().optional(),
  check: z.string().optional(),
  restrictive: z.boolean().optional(),
});

const rowSecurity = z.strictObject({
  table: z.string().describe('schema.name'),
  enable: z.boolean().optional(),
  force: z.boolean().describe('for the owner too').optional(),
  policies: z.array(policy).optional(),
});

const database = z
  .strictObject({
    owner: name.optional(),
    owners: z.array(z.strictObject({ owner: name, of: z.union([object, z.array(object)]) })).optional(),
    connect: names.optional(),
    settings: settings.optional(),
    schemas: z.record(name, schema).optional(),
    access: z.array(access).optional(),
    grants: z.array(grant).describe('privileges one by one, without what goes with them').optional(),
    columns: z.array(columns).optional(),
    row_security: z.array(rowSecurity).optional(),
  })
  .nullable();

const preset = z.enum(['locked', 'as-is', 'declared']);

/** The form of roles.yaml. */
export const rolesSchema = z.strictObject({
  version: z.literal(1),
  cluster: z
    .strictObject({
      maintenance_db: name.describe('where the lock is, and the cluster-wide part is done').optional(),
      min_server: z.int().describe('the oldest major the file is for').optional(),
    })
    .optional(),
  scope: z
    .strictObject({
      roles: globs.optional(),
      databases: names.optional(),
      schemas: z.record(name, globs).describe('by database').optional(),
      ignore_roles: globs.optional(),
    })
    .describe('what may be changed; everything else is listed and left alone')
    .optional(),
  mode: z.enum(MODES).optional(),
  public: z
    .union([
      preset,
      z.strictObject({ preset: preset.optional(), keep: z.array(z.strictObject({ on: object, privileges: anyPrivileges })).optional() }),
    ])
    .optional(),
  profiles: z.record(name, profile).optional(),
  groups: z.record(name, group).describe('roles that do not log in').optional(),
  services: z.record(name, login).describe('roles that programs log in as').optional(),
  humans: z.record(name, login).describe('roles that people log in as').optional(),
  databases: z.record(name, database).optional(),
  parameters: z
    .array(
      z.strictObject({
        grant: privileges('parameter'),
        on: names,
        to: names,
        with_grant_option: grantOption,
        granted_by: name.optional(),
      }),
    )
    .describe('SET and ALTER SYSTEM; 15 and later')
    .optional(),
  retire: z
    .array(z.strictObject({ role: text, reassign_to: name.optional(), terminate: z.boolean().optional(), after: instant.optional() }))
    .optional(),
  never: z.array(z.string()).describe('sentences about what nobody may be able to do').optional(),
  audit: z
    .strictObject({
      accept: z.array(z.strictObject({ finding: z.string(), on: z.string(), reason: z.string(), until: instant.optional() })).optional(),
    })
    .optional(),
});
