import { DbadminError } from '../../base/errors.ts';
import { storagePolicy, type StorageRole } from '../../repository/iam-policy.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { selectRepositories } from '../open-repository.ts';

const ROLES: readonly StorageRole[] = ['writer', 'restorer', 'expirer'];

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const role = ROLES.find((each) => each === textOption(input, 'for'));
  if (role === undefined) throw new DbadminError('usage', 'say whose policy is wanted', { hint: `Give --for ${ROLES.join(', --for ')}.` });
  const { config, cluster } = await loadProject(context, input);
  const [repository] = selectRepositories(config, cluster, textOption(input, 'repository')).filter(({ type }) => type === 's3');
  if (repository?.type !== 's3') {
    throw new DbadminError('usage', 'an IAM policy is for a repository on S3', {
      detail: 'The repository that was chosen is a directory: its owner and mode decide who may do what.',
      hint: 'Name one on S3 with --repository.',
    });
  }
  const policy = storagePolicy(role, repository);
  context.output.line(JSON.stringify(policy, undefined, 2));
  context.output.result({ repository: repository.name, role, policy });
  return 0;
}
