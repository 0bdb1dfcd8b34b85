import { stat } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError } from '../../base/errors.ts';
import { loadConfig, selectCluster } from '../../config/load.ts';
import { describeParameters, type ConnectionParameters } from '../../postgres/parameters.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { warnOfConfig } from '../load-project.ts';

/** One of the two things that `roles diff` compares. */
export type DiffSide =
  | { readonly kind: 'file'; readonly name: string; readonly file: string }
  | {
      readonly kind: 'cluster';
      readonly name: string;
      readonly connection: ConnectionParameters;
      /** The one database to compare; undefined: all. */
      readonly database: string | undefined;
    };

/**
 * What `text` names: a roles file (it ends in .yaml or .yml), a connection URL, or a cluster of the configuration, `staging`
 * or `staging/music`. The database of a URL is the one to compare, but `postgres`, which stands for all of them.
 */
export async function readSide(context: CommandContext, input: CommandInput, text: string): Promise<DiffSide> {
  if (/\.ya?ml$/i.test(text)) return await fileSide(context, text);
  const isUrl = /^postgres(?:ql)?:\/\//.test(text);
  const slash = isUrl ? -1 : text.indexOf('/');
  const cluster = slash === -1 ? text : text.slice(0, slash);
  const config = await loadConfig(context, {
    config: textOption(input, 'config'),
    cluster: isUrl ? undefined : cluster,
    url: isUrl ? text : undefined,
  });
  warnOfConfig(context.log, config);
  const { connection } = selectCluster(config);
  const named = isUrl ? connection.database : slash === -1 ? undefined : text.slice(slash + 1);
  const database = isUrl && named === 'postgres' ? undefined : named;
  return { kind: 'cluster', name: isUrl ? describeParameters(connection) : text, connection, database };
}

async function fileSide(context: CommandContext, text: string): Promise<DiffSide> {
  const file = path.resolve(context.cwd, text);
  const found = await stat(file).catch(() => undefined);
  if (found?.isFile() !== true) throw new DbadminError('file-unreadable', `there is no file ${text} to compare`);
  return { kind: 'file', name: text, file };
}
