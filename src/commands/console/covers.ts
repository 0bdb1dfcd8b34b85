import type { Sql } from 'postgres';
import type { ReadCover } from '../../console/pictures.ts';
import { openClient } from '../../postgres/client.ts';
import { readCover } from '../../spotify/report/inspect-cover.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';

/** A page has a dozen covers: connecting for each would take longer than reading them. */
const IDLE_MS = 60_000;

/** Covers of the clusters' warehouses, over connections that cannot write, which are closed when nobody has asked for a while. */
export class Covers {
  readonly #context: CommandContext;
  readonly #input: CommandInput;
  readonly #clients = new Map<string, Promise<Sql>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(context: CommandContext, input: CommandInput) {
    this.#context = { ...context, access: 'reading', log: { ...context.log, warn: () => undefined } };
    this.#input = input;
  }

  readonly read: ReadCover = async (id, cluster) => {
    const key = cluster ?? '';
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.close(), IDLE_MS).unref();
    const client = this.#clients.get(key) ?? this.#open(cluster);
    this.#clients.set(key, client);
    try {
      return await readCover(await client, id);
    } catch (error) {
      // The server may have gone: who asks next begins anew.
      if (this.#clients.get(key) === client) this.#clients.delete(key);
      void client.then(async (sql) => await sql.end({ timeout: 1 })).catch(() => undefined);
      throw error;
    }
  };

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    const clients = [...this.#clients.values()];
    this.#clients.clear();
    await Promise.allSettled(clients.map(async (client) => await (await client).end({ timeout: 1 })));
  }

  async #open(cluster: string | undefined): Promise<Sql> {
    const input = cluster === undefined ? this.#input : { ...this.#input, options: { ...this.#input.options, cluster } };
    const { cluster: chosen } = await loadProject(this.#context, input);
    return await openClient(chosen.connection, { applicationName: 'dbadmin console covers', max: 2 });
  }
}
