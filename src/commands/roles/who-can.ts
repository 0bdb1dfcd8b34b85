import { DbadminError } from '../../base/errors.ts';
import { formatMoment } from '../../backup/restore/target.ts';
import { NO_NAMES, type AccessGraph } from '../../roles/access/graph.ts';
import { namesOf, parseQuestion, resolveQuestion, type AccessQuestion } from '../../roles/access/question.ts';
import { findTarget } from '../../roles/access/target.ts';
import { askedRoles, closuresOf, whoCan, type Answer } from '../../roles/access/who-can.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { askAccess, type Asked } from './ask-access.ts';
import { showAnswers, type ShownQuestion } from './show-answers.ts';
import { showRoleAccess } from './show-role-access.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const role = textOption(input, 'role');
  const question = questionOf(input, role);
  const { config, cluster } = await loadProject(context, input);
  const asked = await askAccess(context, input, { config, cluster }, question === undefined ? NO_NAMES : namesOf(question));
  if (role !== undefined && !asked.graph.roles.has(role) && asked.planned?.roles.has(role) !== true) {
    throw new DbadminError('usage', `there is no role ${role}`, { hint: 'Roles: SELECT rolname FROM pg_roles.' });
  }
  if (question === undefined) showRoleAccess(context.output, asked, role ?? '');
  else showAnswers(context.output, input, answerQuestion(context, asked, question, role));
  return 0;
}

/** Undefined when only a role is named: then everything it may do is listed. */
function questionOf(input: CommandInput, role: string | undefined): AccessQuestion | undefined {
  const [privilege, ...object] = input.args;
  if (privilege !== undefined && object.length > 0) return parseQuestion(privilege, object.join(' '));
  if (privilege === undefined && role !== undefined) return undefined;
  throw new DbadminError('usage', 'who-can needs a privilege and an object, or a role', {
    hint: 'dbadmin roles who-can select core.play, or dbadmin roles who-can --role svc_api.',
  });
}

function answerQuestion({ clock }: CommandContext, asked: Asked, question: AccessQuestion, role: string | undefined): ShownQuestion {
  const { graph, planned, database } = asked;
  const ref = resolveQuestion(graph, database, question);
  const answersOf = (of: AccessGraph): ReadonlyMap<string, Answer> => {
    const asker = { graph: of, database, now: asked.at ?? clock.now() };
    const closures = closuresOf(asker);
    const target = findTarget(of, database, ref);
    if (target === undefined) return new Map();
    return new Map(askedRoles(of, role).map((each) => [each.name, whoCan(asker, each, target, question.privilege, closures)]));
  };
  return {
    asked,
    role,
    privilege: question.privilege,
    ref,
    answers: answersOf(graph),
    planned: planned === undefined ? undefined : answersOf(planned),
    moment: asked.at === undefined ? undefined : formatMoment(asked.at),
  };
}
