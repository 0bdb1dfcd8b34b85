import path from 'node:path';
import { askOwner } from '../../backup/wal/owner-inspect.ts';
import { DbadminError, ERROR_CODES, isDbadminError, messageOf } from '../../base/errors.ts';
import type { Config } from '../../config/config.ts';
import { selectCluster } from '../../config/load.ts';
import { acquireLease, type Lease } from '../../repository/leases.ts';
import type { Repository } from '../../repository/repository.ts';
import type { Reception } from '../../schedule/policies.ts';
import type { Receiving, WalOwnership } from '../../schedule/worker/options.ts';
import type { CommandContext } from '../command.ts';
import { openRepository, selectRepository } from '../open-repository.ts';
import { runChild } from '../schedule/child.ts';
import { configOption } from '../schedule/perform.ts';

/** A third of it is the time between renewals; a worker that vanished is followed by another after one to one and a half of it. */
const WAL_LEASE_TTL_MS = 45_000;
/** Whoever has tried in vain for so long, to reach the server or to store, lets another try. */
const IN_VAIN_MS = 45_000;
/** A receiver says at least so often that it tries again; who has not is well. */
const TOLD_WITHIN_MS = 60_000;

/** Since when a receiver tries in vain, by what it says; of a process that waits for a network nothing else can be seen. */
class Trouble {
  #sinceMs = 0;
  #lastMs = Number.NEGATIVE_INFINITY;

  /** It tries again. */
  tell(nowMs: number): void {
    if (nowMs - this.#lastMs > TOLD_WITHIN_MS) this.#sinceMs = nowMs;
    this.#lastMs = nowMs;
  }

  isInVain(nowMs: number): boolean {
    return nowMs - this.#lastMs <= TOLD_WITHIN_MS && nowMs - this.#sinceMs >= IN_VAIN_MS;
  }

  over(): void {
    this.#lastMs = Number.NEGATIVE_INFINITY;
  }
}

interface OwnedRepository {
  readonly repository: Repository;
  readonly lease: Lease;
}

/**
 * How a worker receives WAL: as the owner of the cluster in each of its repositories that answers, by a process of its own.
 * The slot lets in one receiver anyhow; the lease says who it is to be, and lets the others stand by without trying.
 */
export function walReceiving(context: CommandContext, config: Config, socketDirectory: string | undefined): Receiving {
  const troubles = new Map<string, Trouble>();
  const troubleOf = (cluster: string): Trouble => {
    const known = troubles.get(cluster) ?? new Trouble();
    troubles.set(cluster, known);
    return known;
  };
  return {
    own: async (reception, signal) => await own(context, config, reception, troubleOf(reception.cluster), signal),
    receive: async ({ cluster, rpoMs }, signal) => {
      const serve = socketDirectory === undefined ? [] : ['--serve', path.join(socketDirectory, `${cluster}.sock`)];
      const words = ['wal', 'receive', '--cluster', cluster, '--rpo', `${rpoMs}ms`, ...serve, ...configOption(config)];
      let tail = '';
      const trouble = troubleOf(cluster);
      trouble.over();
      const end = await runChild(words, {
        cwd: config.directory,
        env: context.env,
        signal,
        output: (text) => {
          tail = (tail + text).slice(-4000);
          if (text.includes('; trying again in ')) trouble.tell(performance.now());
          for (const line of text.split('\n')) if (/^(warning|error): /.test(line)) context.log.warn(`wal receive ${cluster}: ${line}`);
        },
      });
      if (signal.aborted || end.status === 0) return;
      const said = /^error: (.*)$/m.exec(tail.slice(Math.max(0, tail.lastIndexOf('error: '))))?.[1] ?? 'it said nothing';
      throw new DbadminError(
        end.status === ERROR_CODES.locked.exit ? 'locked' : 'program-failed',
        `wal receive ended with ${String(end.status ?? end.signal)}: ${said}`,
      );
    },
  };
}

async function own(
  context: CommandContext,
  config: Config,
  reception: Reception,
  trouble: Trouble,
  signal: AbortSignal,
): Promise<WalOwnership> {
  const { clock, log } = context;
  const cluster = selectCluster(config, reception.cluster);
  const { systemIdentifier } = await askOwner(cluster.replication);
  const owned: OwnedRepository[] = [];
  const release = async (): Promise<void> => {
    for (const { lease, repository } of owned) {
      await lease.release();
      await repository.store.close();
    }
  };
  let failure: unknown;
  for (const name of reception.repositories) {
    let repository: Repository | undefined;
    try {
      repository = await openRepository(context, selectRepository(config, cluster, name));
      const lease = await acquireLease(repository, systemIdentifier, 'wal', {
        clock,
        log,
        command: 'worker',
        ttlMs: WAL_LEASE_TTL_MS,
        signal,
      });
      owned.push({ repository, lease });
    } catch (error) {
      await repository?.store.close();
      // Whoever has one of them has the cluster; one that is away stops nobody.
      if (isDbadminError(error, 'locked')) {
        await release();
        throw error;
      }
      failure ??= error;
      log.debug(`the WAL lease of ${name} cannot be had: ${messageOf(error)}`);
    }
  }
  if (owned.length === 0) throw failure as Error;
  return {
    check: async () => {
      for (const { lease } of owned) await lease.check();
      if (trouble.isInVain(performance.now()))
        throw new DbadminError('locked', `the WAL of ${reception.cluster} cannot be received from here: another worker may try`);
    },
    release,
  };
}
