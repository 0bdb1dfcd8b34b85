import { DbadminError } from '../../base/errors.ts';
import { planBootstrap, type Bootstrap } from '../../roles/bootstrap.ts';
import { inspectRoles } from '../../roles/inspect.ts';
import { hasEdgeOptions } from '../../roles/wanted-cluster.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadRoles } from './load-roles.ts';

/** `dbadmin roles bootstrap`: the SQL that makes a role which can apply the file without being a superuser. */
export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock } = context;
  const project = await loadRoles(context, input);
  const role = textOption(input, 'role') ?? 'dbadmin';
  const observed = await inspectRoles(project.document, project.connection, project.sources, role);
  const { major } = observed.cluster;
  if (!hasEdgeOptions(major)) {
    throw new DbadminError('server-unsupported', `a role of dbadmin's own needs PostgreSQL 16 or later and this is ${major}`, {
      detail: 'Until 15 a role with CREATEROLE may make itself a member of nearly every other, so that nothing is gained.',
      hint: 'Apply roles as a superuser here, from a host that is trusted.',
    });
  }
  const bootstrap = planBootstrap(project.document, observed, clock.now());
  output.raw(output.json ? '' : scriptText(role, bootstrap));
  output.result({ role, server: major, ...bootstrap });
  return 0;
}

/** A script for psql. */
function scriptText(role: string, { statements, cannot }: Bootstrap): string {
  const lines = [`-- What a superuser runs once, so that ${JSON.stringify(role)} can apply roles.yaml without being one.`];
  let database: string | undefined;
  for (const each of statements) {
    if (each.database !== database) lines.push('', `\\connect "${each.database.replaceAll('"', '""')}"`);
    ({ database } = each);
    lines.push(each.isOptional ? `-- ${each.sql};  -- optional: ${each.why}` : `${each.sql};  -- ${each.why.replaceAll(/\s+/g, ' ')}`);
  }
  lines.push('', '-- It has no password yet: \\password, a certificate, or peer in pg_hba.conf.', '-- What it still cannot do:');
  lines.push(...cannot.map((each) => `--   ${each.replaceAll(/\s+/g, ' ')}`));
  return `${lines.join('\n')}\n`;
}
