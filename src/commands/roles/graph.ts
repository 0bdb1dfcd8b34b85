import { matchesAny } from '../../roles/document/globs.ts';
import { graphOfDocument } from '../../roles/graph/from-document.ts';
import { graphOfState } from '../../roles/graph/from-state.ts';
import { around, type RoleGraph } from '../../roles/graph/graph.ts';
import { mermaidText } from '../../roles/graph/mermaid.ts';
import { inspectAll } from '../../roles/inspect-all.ts';
import { flagOption, listOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { loadRoles } from './load-roles.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const whole = flagOption(input, 'live') ? await liveGraph(context, input) : graphOfDocument((await loadRoles(context, input)).document);
  const roles = listOption(input, 'role');
  const part = roles.length === 0 ? whole : around(whole, (name) => matchesAny(name, roles));
  const graph = flagOption(input, 'memberships') ? { ...part, access: [] } : part;
  const text = mermaidText(graph);
  if (!output.json) output.raw(flagOption(input, 'markdown') ? `\`\`\`mermaid\n${text}\`\`\`\n` : text);
  output.result({ ...graph, mermaid: text });
  return 0;
}

async function liveGraph(context: CommandContext, input: CommandInput): Promise<RoleGraph> {
  const { cluster } = await loadProject(context, input);
  const databases = listOption(input, 'database');
  const maintenance = textOption(input, 'maintenanceDb') ?? 'postgres';
  return graphOfState(await inspectAll(cluster.connection, maintenance, databases.length === 0 ? undefined : databases));
}
