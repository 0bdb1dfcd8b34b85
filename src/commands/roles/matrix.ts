import { DbadminError } from '../../base/errors.ts';
import { suggestion } from '../../base/spelling.ts';
import { ACCESS_KINDS, NO_NAMES, type AccessKind } from '../../roles/access/graph.ts';
import { answerMatrix, type MatrixAnswer } from '../../roles/access/matrix-question.ts';
import { matchesAny } from '../../roles/document/globs.ts';
import { flagOption, listOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { askAccess, type Asked } from './ask-access.ts';
import { matrixCsv, matrixJson, showMatrix } from './show-matrix.ts';

/** `dbadmin roles matrix`: what every role may do with every object. */
export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const kinds = kindsOption(input);
  const { config, cluster } = await loadProject(context, input);
  const asked = await askAccess(context, input, { config, cluster }, NO_NAMES);
  const answer = ask(input, asked, kinds);
  if (output.json) output.result(matrixJson(asked, answer));
  else if (textOption(input, 'format') === 'csv') output.raw(matrixCsv(asked, answer));
  else showMatrix(output, asked, answer);
  return 0;
}

function ask(input: CommandInput, { graph, planned, database }: Asked, kinds: ReadonlySet<AccessKind>): MatrixAnswer {
  const [roles, schemas, names] = [listOption(input, 'role'), listOption(input, 'schema'), listOption(input, 'name')];
  const withPredefined = flagOption(input, 'predefined');
  return answerMatrix({
    graph,
    planned,
    database,
    isWantedRole: ({ name }) => (roles.length === 0 ? withPredefined || !name.startsWith('pg_') : matchesAny(name, roles)),
    isWantedGroup: (group) =>
      (kinds.size === 0 || kinds.has(group.kind)) &&
      (schemas.length === 0 || isIn(group.kind === 'schema' ? group.names : group.schema === undefined ? [] : [group.schema], schemas)),
    isWantedName: ({ kind, schema }, name) => {
      if (kind === 'schema' && schemas.length > 0 && !matchesAny(name, schemas)) return false;
      return names.length === 0 || matchesAny(name, names) || (schema !== undefined && matchesAny(`${schema}.${name}`, names));
    },
  });
}

function isIn(names: readonly string[], globs: readonly string[]): boolean {
  return names.some((name) => matchesAny(name, globs));
}

function kindsOption(input: CommandInput): ReadonlySet<AccessKind> {
  const known = new Set<string>(ACCESS_KINDS);
  return new Set(
    listOption(input, 'kind').map((word) => {
      const found = ACCESS_KINDS.find((kind) => kind === word.replaceAll(/[\s_-]+/g, ' '));
      if (found !== undefined) return found;
      throw new DbadminError('usage', `there is no kind "${word}"${suggestion(word, known)}`, {
        hint: `Kinds are ${ACCESS_KINDS.join(', ')}; views count as tables.`,
      });
    }),
  );
}
