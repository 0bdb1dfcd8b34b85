import path from 'node:path';
import { stringify } from 'yaml';
import { DbadminError } from '../../base/errors.ts';
import { ALERTS_CHECK, withAlertsCheck } from '../../schedule/export/alerts-check.ts';
import { configMapKey, kubernetesManifests, PROJECT_DIRECTORY, STATE_DIRECTORY } from '../../schedule/export/kubernetes.ts';
import { spoolDirectories } from '../../schedule/policies.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { diskRepositories, loadExportParts, pathInProject, projectVariables, warnOmitted, type ExportParts } from './export-parts.ts';

/** Prints manifests as one YAML stream, for `kubectl apply -f -`. */
export async function exportKubernetes(context: CommandContext, input: CommandInput): Promise<number> {
  const image = textOption(input, 'image');
  if (image === undefined)
    throw new DbadminError('usage', '--kubernetes needs --image', {
      detail: 'It is the image whose command dbadmin is this version, with the client programs that dumps and drills need.',
      hint: 'dbadmin schedule export --kubernetes --image registry.example.org/dbadmin:0.1.0',
    });
  const parts = await loadExportParts(context, input);
  const projectFiles = filesOf(parts);
  const variables = await projectVariables(parts);
  const { manifests, omitted } = kubernetesManifests(withAlertsCheck(parts.policies, 'UTC'), {
    ...parts,
    refusalOf: (job) => (job.name === ALERTS_CHECK ? tellingRefusal(parts) : parts.refusalOf(job)),
    now: context.clock.now(),
    image,
    namespace: textOption(input, 'namespace'),
    variables,
    projectFiles,
    disks: disksOf(parts),
    spools: spoolsOf(parts),
  });
  const text = [
    heading(parts, projectFiles),
    ...manifests.map((each) => stringify(each, { lineWidth: 0, aliasDuplicateObjects: false })),
  ].join('---\n');
  if (context.output.json) context.output.result({ text, manifests, variables, omitted });
  else context.output.raw(text);
  warnOmitted(context, omitted);
  return 0;
}

/** A pod forgets whom it has told. */
function tellingRefusal({ config }: ExportParts): string | undefined {
  return config.control.isStated
    ? undefined
    : 'what was told goes with its pod, and everybody would be told again each minute: name a control database (control: url), or let a worker tell';
}

/** The files that jobs read, by their path in the project. */
function filesOf(parts: ExportParts): readonly string[] {
  return [parts.configFile, parts.config.paths.policies].map((file) => {
    const inside = pathInProject(parts, file);
    if (inside !== undefined) return inside;
    throw new DbadminError('refused', `${file} lies outside the project`, {
      detail: `In a container the project is ${PROJECT_DIRECTORY}, made from a config map.`,
      hint: 'Put it beside dbadmin.yaml.',
    });
  });
}

function disksOf(parts: ExportParts): ReturnType<typeof diskRepositories> {
  const disks = diskRepositories(parts);
  const inside = disks.find((disk) => pathInProject(parts, disk.path) !== undefined);
  if (inside === undefined) return disks;
  throw new DbadminError('refused', `repository ${inside.name} lies in the project's own directory`, {
    detail: `${inside.path} would go with its pod, and the project is read-only there.`,
    hint: 'Give it an absolute path elsewhere, to which a volume claim is mounted, or keep backups on S3.',
  });
}

function heading({ configFile, config }: ExportParts, files: readonly string[]): string {
  const from = files.map((file) => `--from-file=${configMapKey(file)}=${file}`).join(' ');
  return `# From ${config.paths.policies}, by dbadmin schedule export --kubernetes. Change the policies, not this, and export again.
# Beforehand, in ${path.dirname(configFile)}:
#   kubectl create configmap dbadmin-project ${from}
#   kubectl create secret generic dbadmin --from-env-file=FILE   # NAME=value lines; the manifests name the keys
# Each repository on a disk needs a volume claim, dbadmin-repository-NAME, that all of these pods can mount.
`;
}

/** Where dumps lie until they are stored, but for what is a volume of its own already: two at one path are refused. */
function spoolsOf(parts: ExportParts): readonly string[] {
  const mounted = new Set(['/tmp', STATE_DIRECTORY, ...disksOf(parts).map((disk) => disk.path)]);
  return spoolDirectories(parts.policies).filter((spool) => !mounted.has(spool));
}
