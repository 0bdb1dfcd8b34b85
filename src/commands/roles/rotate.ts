import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseDuration } from '../../base/durations.ts';
import { DbadminError } from '../../base/errors.ts';
import { IN_PART } from '../../base/exit-status.ts';
import { shellWord } from '../../base/shell-word.ts';
import { printable } from '../../base/printable.ts';
import type { DeclaredRole } from '../../roles/document/document.ts';
import { passwordSource } from '../../roles/plan-cluster.ts';
import { rotatePassword, type Rotation, type RotationOptions } from '../../roles/rotate/apply.ts';
import { rotateTwins } from '../../roles/rotate/run.ts';
import { durationOption, flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { confirmOrStop } from '../output.ts';
import { loadRoles, type RolesProject } from './load-roles.ts';
import { writeDeeds } from './record-deeds.ts';

const WAIT_FOR_OTHERS_MS = 30_000;

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const [role = ''] = input.args;
  const twin = textOption(input, 'with');
  const place = await findPlace(context, input);
  const file = place.fileOf(role);
  const twinFile = twin === undefined ? undefined : place.fileOf(twin);
  const options: RotationOptions = {
    connection: place.connection,
    maintenanceDatabase: place.maintenanceDatabase,
    clock: context.clock,
    log: context.log,
    signal: context.signal,
    randomBytes,
    lockTimeoutMs: durationOption(input, 'lockTimeout') ?? parseDuration('5s'),
    waitMs: WAIT_FOR_OTHERS_MS,
    unproven: flagOption(input, 'unproven'),
    author: {
      by: `${context.env['USER'] ?? 'dbadmin'}@${os.hostname()}`,
      tool: `dbadmin ${context.version}`,
      file: place.rolesFile,
      planSha256: undefined,
    },
  };
  if (twin === undefined || twinFile === undefined) {
    await confirmOrStop(output, `Give ${role} a new password? From then on its clients need the one in ${file}.`);
    const rotation = await rotatePassword(role, file, options);
    await remember(context, place, rotation);
    show(context, rotation);
    output.result({ cluster: place.clusterName, rotated: [rotationJson(rotation)], retired: true });
    return 0;
  }
  const waitMs = durationOption(input, 'wait') ?? parseDuration('0s');
  await confirmOrStop(output, `Give ${twin} a new password, for clients to go over to it from ${role}?`);
  output.note(
    `${twin} gets its new password in ${twinFile}${waitMs > 0 ? `; clients have ${textOption(input, 'wait') ?? ''} to go over` : ''}`,
  );
  const { twin: fresh, retired } = await rotateTwins({ login: role, file, twin, twinFile }, waitMs, {
    ...options,
    onRotated: async (rotation) => await remember(context, place, rotation),
  });
  show(context, fresh);
  if (retired !== undefined) show(context, retired);
  else output.line(`${role} is as it was. When its clients have gone over: dbadmin roles rotate ${shellWord(role)}`);
  output.result({
    cluster: place.clusterName,
    rotated: [fresh, ...(retired === undefined ? [] : [retired])].map(rotationJson),
    retired: retired !== undefined,
  });
  return retired === undefined && waitMs > 0 ? IN_PART : 0;
}

/** A restore to before the rotation would bring the old password back: the ledger of the repositories says which is right. */
async function remember(context: CommandContext, place: Place, { role }: Rotation): Promise<void> {
  await writeDeeds(context, place, [{ kind: 'password-rotated', role, verifier: null }]);
}

interface Place extends Pick<RolesProject, 'config' | 'cluster'> {
  readonly clusterName: string;
  readonly connection: RotationOptions['connection'];
  readonly maintenanceDatabase: string;
  /** Empty without one. */
  readonly rolesFile: string;
  fileOf(role: string): string;
}

/** Where the cluster is and where each role's password goes: to --out, or to where roles.yaml takes it from. */
async function findPlace(context: CommandContext, input: CommandInput): Promise<Place> {
  const out = textOption(input, 'out');
  const { config, cluster } = await loadProject(context, input);
  if (out !== undefined && textOption(input, 'with') !== undefined) {
    throw new DbadminError('usage', '--out is for one role; twins take their files from roles.yaml');
  }
  const hasFile = textOption(input, 'file') !== undefined || existsSync(config.paths.roles);
  if (!hasFile) {
    if (out === undefined) throw new DbadminError('usage', 'there is no roles file: say with --out where the new password goes');
    return {
      config,
      cluster,
      clusterName: cluster.name,
      connection: cluster.connection,
      maintenanceDatabase: cluster.connection.database,
      rolesFile: '',
      fileOf: () => path.resolve(context.cwd, out),
    };
  }
  const project = await loadRoles(context, input);
  return {
    config: project.config,
    cluster: project.cluster,
    clusterName: project.clusterName,
    connection: project.connection,
    maintenanceDatabase: project.document.maintenanceDatabase,
    rolesFile: project.file.name,
    fileOf: (role) => {
      const declared = project.document.roles.get(role);
      const found = fileOfRule(declared, project.sources.directory);
      if (out === undefined && found === undefined) throw withoutFile(role, declared);
      if (out === undefined) return found ?? '';
      const given = path.resolve(context.cwd, out);
      if (declared !== undefined && declared.password.kind !== 'unmanaged' && given !== found) {
        context.output.warn(
          `roles.yaml takes the password of ${role} from ${passwordSource(declared.password)}: put the new one there, or the next apply sets the old one again`,
        );
      }
      return given;
    },
  };
}

function fileOfRule(declared: DeclaredRole | undefined, directory: string): string | undefined {
  const rule = declared?.password;
  return rule?.kind === 'generate' || rule?.kind === 'file' ? path.resolve(directory, rule.path) : undefined;
}

function withoutFile(role: string, declared: DeclaredRole | undefined): DbadminError {
  const hint = 'Say with --out where the new one goes, or declare { from: generate, path: … }.';
  if (declared === undefined)
    return new DbadminError('usage', `role ${role} is not in the roles file, which would say where its password is`, { hint });
  const source = passwordSource(declared.password);
  return new DbadminError('usage', `the password of ${role} is not in a file${source === '' ? '' : `, it comes from ${source}`}`, { hint });
}

function show({ output }: CommandContext, rotation: Rotation): void {
  const { role, file, proof, oldRefused, resumed } = rotation;
  const proven = {
    login: 'logged in with it',
    verifier: 'the server has its verifier, logging in proved nothing',
    none: 'not proven',
  }[proof];
  const refused = oldRefused === true ? '; the old one is refused' : '';
  output.line(printable(`${role}  new password in ${file}; ${proven}${refused}${resumed ? ' (ended what an earlier run began)' : ''}`));
  if (oldRefused === false) {
    output.warn(`the server lets ${role} in from here whatever the password is: see pg_hba.conf, where trust or a certificate lets it in`);
  }
}

function rotationJson({ role, file, proof, oldRefused, resumed }: Rotation): Record<string, unknown> {
  return { role, file, proof, oldRefused: oldRefused ?? null, resumed };
}
