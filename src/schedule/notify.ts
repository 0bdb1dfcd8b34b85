import { interpolate } from '../base/interpolation.ts';
import type { SecretSource } from '../base/secret-source.ts';
import type { YamlPath } from '../base/yaml-source.ts';
import type { MailSettings, Notification } from './policies.ts';
import type { MailFile, NotifyFile } from './schema.ts';

const EVERY_EVENT = ['failed', 'late', 'recovered'] as const;
const PORTS = { tls: 465, starttls: 587, none: 25 } as const;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Whether a value of the file is a secret that is needed only when somebody is told something: a variable that is not set
 * there must not keep the schedule from being read on a machine which tells nobody.
 */
export function isLateSecret(at: YamlPath): boolean {
  const key = at.at(-1);
  if (at[0] === 'mail') return key === 'password';
  return at.includes('notify') && (key === 'webhook' || key === 'secret');
}

export function resolveNotify(file: NotifyFile | undefined, env: Environment): readonly Notification[] {
  return (file ?? []).map((entry): Notification => {
    const on = entry.on ?? EVERY_EVENT;
    if (entry.webhook === undefined) return { kind: 'email', address: entry.email ?? '', on };
    const secret = entry.secret === undefined ? undefined : late(entry.secret, env);
    return { kind: 'webhook', url: late(entry.webhook, env), secret, on };
  });
}

export function resolveMail(file: MailFile, env: Environment): MailSettings {
  const security = file.security ?? 'starttls';
  return {
    host: file.host,
    port: file.port ?? PORTS[security],
    security,
    user: file.user,
    password: file.password === undefined ? undefined : late(file.password, env),
    caFile: file.ca_file,
    from: file.from,
  };
}

/** Text with its variables filled in; where one is not set, that variable itself, which says so when it is wanted. */
function late(source: SecretSource, env: Environment): SecretSource {
  if (typeof source !== 'string') return source;
  const { text, missing } = interpolate(source, env);
  const [name] = missing;
  return name === undefined ? text : { from: 'env', name };
}
