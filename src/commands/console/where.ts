import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, messageOf } from '../../base/errors.ts';
import { answeringHosts, isLoopback, type Reached } from '../../console/request-guard.ts';
import { flagOption, listOption, textOption, type CommandContext, type CommandInput } from '../command.ts';

const DEFAULT_LISTEN = '127.0.0.1:9188';

/** Where the console is served. */
export interface Where {
  readonly host: string;
  readonly port: number;
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  readonly isBehindProxy: boolean;
  /** Under which names browsers reach it, as stated. */
  readonly named: readonly string[];
}

/** Where the options say that it is served. @throws {DbadminError} `usage`, `file-unreadable` */
export async function whereOf(context: CommandContext, input: CommandInput): Promise<Where> {
  const text = textOption(input, 'listen') ?? DEFAULT_LISTEN;
  const match = /^(?:\[([\da-f:]+)\]|([^:]+)):(\d{1,5})$/i.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) throw new DbadminError('usage', `--listen takes HOST:PORT, not "${text}"`);
  const cert = textOption(input, 'tlsCert');
  const key = textOption(input, 'tlsKey');
  if ((cert === undefined) !== (key === undefined)) throw new DbadminError('usage', '--tls-cert and --tls-key go together');
  const read = async (file: string): Promise<string> => await readPem(path.resolve(context.cwd, file));
  return {
    host: match[1] ?? match[2] ?? '',
    port,
    tls: cert === undefined || key === undefined ? undefined : { cert: await read(cert), key: await read(key) },
    isBehindProxy: flagOption(input, 'behindProxy'),
    named: listOption(input, 'host'),
  };
}

/** What others can reach is never without TLS, somebody who may sign in, and a name of its own. @throws {DbadminError} `refused`, `usage` */
export function refuseOpenDoor({ host, tls, isBehindProxy, named }: Where, hasSomebody: boolean): void {
  if (isLoopback(host) && !isBehindProxy) return;
  if (tls === undefined && !isBehindProxy) {
    throw new DbadminError('refused', `${host} can be reached from elsewhere, and passwords would pass in the clear`, {
      hint: 'Give --tls-cert and --tls-key, or --behind-proxy where a proxy ends TLS; or listen on 127.0.0.1.',
    });
  }
  if (!hasSomebody) {
    throw new DbadminError('refused', 'the console can be reached from elsewhere and nobody may sign in', {
      hint: 'Add somebody first: dbadmin console user add NAME --role operator; or name a provider: console: oidc in dbadmin.yaml.',
    });
  }
  if (named.length === 0) {
    throw new DbadminError('usage', 'browsers reach the console under a name that is not known', {
      hint: 'Give it: --host dba.example.org.',
    });
  }
}

/** The address as browsers have it, `port` being the one that is listened on. */
export function addressOf({ host, port: stated, isBehindProxy, named, tls }: Where, port: number): string {
  const [name = host.includes(':') ? `[${host}]` : host] = named;
  if (isBehindProxy) return `https://${name}`;
  return `${tls === undefined ? 'http' : 'https'}://${name}:${stated === 0 ? port : stated}`;
}

async function readPem(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new DbadminError('file-unreadable', `cannot read ${file}`, { detail: `${messageOf(error)}.`, cause: error });
  }
}

/** What a request has to fit. */
export function reachedAt({ host, tls, isBehindProxy, named }: Where): Reached {
  return { hosts: answeringHosts(host, named), scheme: tls !== undefined || isBehindProxy ? 'https' : 'http' };
}
