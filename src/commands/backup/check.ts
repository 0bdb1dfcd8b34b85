import { checkRepository, checkServer, type Finding } from '../../backup/check-inspect.ts';
import { DbadminError } from '../../base/errors.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { openRepository, selectRepositories } from '../open-repository.ts';

const MARKS = { ok: ['good', 'ok'], note: ['warn', 'note'], problem: ['bad', 'PROBLEM'] } as const;

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const { config, cluster } = await loadProject(context, input);
  const server = await checkServer(cluster.connection, cluster.replication, cluster.slot);
  const findings: Finding[] = [...server.findings];
  for (const repository of selectRepositories(config, cluster, textOption(input, 'repository'))) {
    try {
      const opened = await openRepository(context, repository);
      findings.push(...(await checkRepository(repository.name, opened, server.source, cluster.name)));
      await opened.store.close();
    } catch (error) {
      if (!(error instanceof DbadminError)) throw error;
      findings.push({ what: `repository ${repository.name}`, state: 'problem', detail: error.message, fix: error.hint });
    }
  }
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
      ? 'ready: dbadmin backup run'
      : `${problems} problem${problems === 1 ? '' : 's'}: backups will fail or cannot be restored until mended`,
  );
  return problems === 0 ? 0 : 1;
}
