import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { MailServer } from '../../alerts/mail-run.ts';
import type { Receiver } from '../../alerts/receivers.ts';
import { DbadminError, messageOf } from '../../base/errors.ts';
import type { SecretSource } from '../../base/secret-source.ts';
import { stateDirectory } from '../../base/state-directory.ts';
import type { Config } from '../../config/config.ts';
import { resolveSecret } from '../../config/secrets.ts';
import type { MailSettings, Notification, Policies } from '../../schedule/policies.ts';
import type { CommandContext } from '../command.ts';

type Environment = CommandContext['env'];

/** Everybody who is told, policies in the order of the file. Their secrets, and the certificates for mail, are fetched when something is sent. */
export function loadReceivers(policies: Policies, config: Config, env: Environment): readonly Receiver[] {
  const server = mailServer(policies.mail, policies.file, config.directory, env);
  const of = (notify: readonly Notification[], policy: string | undefined, cluster: string | undefined): readonly Receiver[] =>
    notify.map((entry): Receiver => {
      const common = { policy, cluster, on: entry.on };
      if (entry.kind === 'email') {
        return { ...common, name: `email ${entry.address}`, channel: { kind: 'email', address: entry.address, server } };
      }
      const place = `${policies.file}: notify`;
      const secret = entry.secret === undefined ? undefined : resolveSecret(entry.secret, `${place}: secret`, config.directory, env);
      const url = resolveSecret(entry.url, `${place}: webhook`, config.directory, env);
      return { ...common, name: `webhook-${fingerprint(entry.url)}`, channel: { kind: 'webhook', url, secret } };
    });
  return [
    ...[...policies.policies.values()].flatMap(({ name, cluster, notify }) => of(notify, name, cluster)),
    ...of(policies.notify, undefined, undefined),
  ];
}

/** Tells two webhooks apart, and nothing of either. */
function fingerprint(source: SecretSource): string {
  return createHash('sha256').update(JSON.stringify(source)).digest('hex').slice(0, 8);
}

function mailServer(mail: MailSettings | undefined, file: string, directory: string, env: Environment): MailServer {
  // As cron does: the machine's own.
  const own = { host: 'localhost', port: 25, security: 'none', user: undefined, password: undefined, ca: undefined } as const;
  if (mail === undefined) return { ...own, from: `dbadmin@${os.hostname()}` };
  const { host, port, security, user, from } = mail;
  const password = mail.password === undefined ? undefined : resolveSecret(mail.password, `${file}: mail: password`, directory, env);
  const caFile = mail.caFile === undefined ? undefined : path.resolve(directory, mail.caFile);
  return { host, port, security, user, password, from, ca: caFile === undefined ? undefined : () => readCertificates(caFile) };
}

function readCertificates(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new DbadminError('file-unreadable', `cannot read the certificates ${file}`, {
      detail: messageOf(error),
      hint: 'mail: ca_file in the policies names it.',
      cause: error,
    });
  }
}

/** Where what was told is kept: a file for each project of this user. */
export function alertsFile(context: Pick<CommandContext, 'cwd' | 'env'>, config: Config, stated: string | undefined): string {
  if (stated !== undefined) return path.resolve(context.cwd, stated);
  const project = createHash('sha256').update(config.paths.policies).digest('hex').slice(0, 16);
  return path.join(stateDirectory(context.env), 'alerts', `${project}.json`);
}

/** What messages call a project: the directory that it lies in. */
export function projectName(config: Config): string {
  return path.basename(config.directory) || config.directory;
}
