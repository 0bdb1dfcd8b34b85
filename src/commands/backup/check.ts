import os from 'node:os';
import type { AgeLimits } from '../../backup/check/ages.ts';
import { failed, type Finding } from '../../backup/check/finding.ts';
import { isThisMachine } from '../../backup/check/keys-inspect.ts';
import { checkRepository } from '../../backup/check/repository-inspect.ts';
import { checkPlace, inspectServerDirectories } from '../../backup/check/place-inspect.ts';
import { checkSpools } from '../../backup/check/spools-inspect.ts';
import { checkServer } from '../../backup/check/server-inspect.ts';
import { DbadminError, isDbadminError } from '../../base/errors.ts';
import type { BackupPolicy } from '../../schedule/policies.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { openRepository, selectRepositories } from '../open-repository.ts';
import { dumpPromises } from '../status/limits.ts';
import { loadPolicies } from '../schedule/load-policies.ts';

const MARKS = { ok: ['good', 'ok'], note: ['warn', 'note'], problem: ['bad', 'PROBLEM'] } as const;

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock } = context;
  const { config, cluster } = await loadProject(context, input);
  const findings: Finding[] = [];
  const policies = await policiesOf(context, input, cluster.name, findings);
  const limits = limitsOf(policies);
  const { connection, replication, slot } = cluster;
  const dumpsOnly = limits.dumpsOnly.length > 0;
  const server = await checkServer({ connection, replication, slot, dumpsOnly, isArchived: isArchived(policies), clock });
  findings.push(...server.findings);
  const directories = await inspectServerDirectories(connection);
  for (const { name, ...rest } of selectRepositories(config, cluster, textOption(input, 'repository'))) {
    try {
      const repository = await openRepository(context, { name, ...rest });
      const { systemIdentifier, walSegmentBytes } = server;
      const databaseIsHere = isThisMachine(connection.hosts);
      const options = {
        name,
        clusterName: cluster.name,
        systemIdentifier,
        walSegmentBytes,
        limits,
        dumps: dumpPromises(policies, name),
        clock,
        databaseIsHere,
      };
      findings.push(...(await checkRepository(repository, options)));
      if (rest.type === 'disk')
        findings.push(...(await checkPlace(`repository ${name}`, rest.path, { directories, systemIdentifier, databaseIsHere })));
      await repository.store.close();
    } catch (error) {
      if (!(error instanceof DbadminError)) throw error;
      findings.push(failed(`repository ${name}`, error));
    }
  }
  const spools = policies.map(({ dump }) => dump?.spool).filter((each) => each !== undefined);
  findings.push(...(await checkSpools([os.tmpdir(), ...spools], clock.now())));
  output.table(
    ['', 'what', 'found'],
    findings.map(({ state, what, detail, fix }) => [
      output.style(MARKS[state][0], MARKS[state][1]),
      what,
      fix === undefined || state === 'ok' ? detail : `${detail}\n  fix: ${fix.replaceAll('\n', '\n       ')}`,
    ]),
  );
  output.result({ findings });
  const problems = findings.filter(({ state }) => state === 'problem').length;
  output.line(
    problems === 0
      ? `ready: dbadmin backup ${limits.dumpsOnly.length > 0 ? 'dump' : 'run'}`
      : `${problems} problem${problems === 1 ? '' : 's'}: backups will fail or cannot be restored until mended`,
  );
  return problems === 0 ? 0 : 1;
}

/** Those of the cluster; none when there are no policies. Policies that cannot be read are a problem of their own. */
async function policiesOf(
  context: CommandContext,
  input: CommandInput,
  clusterName: string,
  findings: Finding[],
): Promise<readonly BackupPolicy[]> {
  try {
    const { policies } = await loadPolicies(context, input);
    return [...policies.policies.values()].filter(({ cluster }) => cluster === clusterName);
  } catch (error) {
    if (!isDbadminError(error)) throw error;
    if (error.code !== 'config-missing') findings.push(failed('policies', error));
    return [];
  }
}

/** Whether it is for archive_command alone to store the WAL. */
function isArchived(policies: readonly BackupPolicy[]): boolean {
  const modes = new Set(policies.map(({ wal }) => wal.mode));
  return modes.has('archive') && !modes.has('stream');
}

/** What the policies promise of the cluster. */
function limitsOf(policies: readonly BackupPolicy[]): AgeLimits {
  const strictest = (limit: (policy: BackupPolicy) => number | undefined): number | undefined => {
    const limits = policies.map(limit).filter((each) => each !== undefined);
    return limits.length === 0 ? undefined : Math.min(...limits);
  };
  return {
    dumpsOnly: policies.every(({ dumpsOnly }) => dumpsOnly) ? policies.map(({ name }) => name) : [],
    backupAgeMs: strictest(({ limits }) => limits.backupAgeMs),
    drillAgeMs: strictest(({ limits }) => limits.drillAgeMs),
  };
}
