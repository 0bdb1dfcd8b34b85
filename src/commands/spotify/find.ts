import { DbadminError } from '../../base/errors.ts';
import { openClient } from '../../postgres/client.ts';
import { findMatches, MATCH_KINDS, type MatchKind } from '../../spotify/report/inspect-matches.ts';
import { reportError } from '../../spotify/report/inspect.ts';
import { listOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { countOption } from './recommender.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const text = (input.args[0] ?? '').trim();
  if (text === '') throw new DbadminError('usage', 'say what the name holds');
  const asked = listOption(input, 'kind') as readonly MatchKind[];
  const kinds = MATCH_KINDS.filter((kind) => asked.length === 0 || asked.includes(kind));
  const count = countOption(input);
  const { cluster } = await loadProject(context, input);
  const sql = await openClient(cluster.connection, { applicationName: 'dbadmin spotify find', jit: false });
  try {
    const matches = await findMatches(sql, text, kinds, count);
    if (matches.length === 0) output.line(`nothing holds "${text}" in its name`);
    else {
      output.table(
        ['kind', { head: 'number', align: 'right' }, 'name', 'artist', { head: 'plays', align: 'right' }],
        matches.map(({ kind, id, name, artist, plays }) => [kind, id, name, artist ?? '', plays.toLocaleString('en')]),
      );
    }
    output.result({ matches });
    return 0;
  } catch (error) {
    throw reportError(error) ?? error;
  } finally {
    await sql.end({ timeout: 5 });
  }
}
