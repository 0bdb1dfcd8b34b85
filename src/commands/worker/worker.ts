import { stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { DbadminError } from '../../base/errors.ts';
import type { Config } from '../../config/config.ts';
import type { Policies } from '../../schedule/policies.ts';
import { health } from '../../schedule/worker/facts.ts';
import { listenHttp, type Listener } from '../../schedule/worker/http-run.ts';
import type { Perform } from '../../schedule/worker/options.ts';
import { Worker } from '../../schedule/worker/run.ts';
import { durationOption, listOption, textOption, wholeNumberOption, type CommandContext, type CommandInput } from '../command.ts';
import { connectControl } from '../control-database.ts';
import { commandNames, commandsOf } from '../schedule/job-commands.ts';
import { loadPolicies } from '../schedule/load-policies.ts';
import { performJob } from '../schedule/perform.ts';
import { walReceiving } from './wal-ownership.ts';
import { Watch } from './watch.ts';

const CONTROL_CONNECTIONS = 4;
const GRACE_MS = 60_000;
/** A timer of Node.js that is to wait for more than 24 days fires at once. */
const LONGEST_GRACE_MS = 7 * 86_400_000;
const DEFAULT_LISTEN = '127.0.0.1:9187';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { clock, log, signal, output } = context;
  const slots = wholeNumberOption(input, 'jobs', 1, 64) ?? 4;
  const graceMs = durationOption(input, 'grace', { mostMs: LONGEST_GRACE_MS }) ?? GRACE_MS;
  const listenAt = listenOption(input);
  const { config, policies } = await loadPolicies(context, input);
  const { COMMANDS } = await import('../catalogue.ts');
  const name = textOption(input, 'name') ?? `${os.hostname()}:${process.pid}`;
  const socketDirectory = textOption(input, 'walSockets');
  // Ends with the worker, however that ends: a look that goes on would keep a process that has failed.
  const over = new AbortController();
  const watch = new Watch({ ...context, signal: AbortSignal.any([signal, over.signal]) }, config);
  const worker: Worker = new Worker({
    worker: { name, host: os.hostname(), pid: process.pid, version: context.version, labels: labelsOption(input), slots },
    schema: config.control.schema,
    heartbeatSeconds: config.control.heartbeatSeconds,
    graceMs,
    connect: async () => await connectControl(config, `dbadmin worker ${name}`.slice(0, 63), CONTROL_CONNECTIONS),
    policies,
    reload: await policiesReader(context, input, config),
    perform: performer(context, config, () => worker.policies, commandNames(COMMANDS)),
    receiving:
      input.options['wal'] === false
        ? undefined
        : walReceiving(context, config, socketDirectory === undefined ? undefined : path.resolve(context.cwd, socketDirectory)),
    onJobEnded: () => watch.wake(),
    clock,
    log,
    signal,
  });
  let listener: Listener | undefined;
  try {
    if (listenAt !== undefined) {
      listener = await listenHttp(listenAt.host, listenAt.port, {
        health: () => health(worker.facts(), clock.now()),
        metrics: () => watch.metrics(worker.facts()),
      });
      log.info(`/healthz and /metrics on http://${listener.address}`);
    }
    log.info(`worker ${name} runs ${policies.jobs.length} jobs of ${policies.file}, ${slots} at a time`);
    const watching = watch.run(worker, input.options['alerts'] === false ? undefined : name);
    try {
      await worker.run();
    } finally {
      over.abort(new DbadminError('interrupted', 'the worker ended'));
      await watching;
    }
  } finally {
    await listener?.close();
  }
  const { ended } = worker.facts();
  output.result({ worker: name, succeeded: ended.succeeded, failed: ended.failed, retried: ended['will-retry'] });
  return 0;
}

/** Does a job as the policies have it at that moment. */
function performer(context: CommandContext, config: Config, policies: () => Policies, known: ReadonlySet<string>): Perform {
  return async (job, { runId, attempt, due, done, signal, onOutput }) => {
    const todo = commandsOf(job, policies(), known);
    if (todo.kind === 'refusal') return { kind: 'failed', exitStatus: undefined, error: todo.reason, final: true };
    return await performJob(context, config, todo, { job: job.name, due, done, run: { runId, attempt }, signal, output: onOutput });
  };
}

/** Reads the policies again when their file has changed; says so when the configuration has, which holds from a start on. */
async function policiesReader(context: CommandContext, input: CommandInput, config: Config): Promise<() => Promise<Policies | undefined>> {
  const configStamp = async (): Promise<string> => (config.file === undefined ? '' : await stampOf(config.file).catch(() => ''));
  let policiesAt = await stampOf(config.paths.policies);
  let configAt = await configStamp();
  return async () => {
    const [now, configNow] = [await stampOf(config.paths.policies), await configStamp()];
    if (configNow !== configAt) context.log.warn(`${config.file ?? ''} has changed: it holds for this worker when it is started again`);
    configAt = configNow;
    if (now === policiesAt) return undefined;
    policiesAt = now;
    return (await loadPolicies(context, input)).policies;
  };
}

async function stampOf(file: string): Promise<string> {
  const { mtimeMs, size, ino } = await stat(file);
  return `${mtimeMs} ${size} ${ino}`;
}

function labelsOption(input: CommandInput): readonly string[] {
  const labels = listOption(input, 'label');
  for (const label of labels)
    if (!/^[A-Za-z][\w-]*$/.test(label))
      throw new DbadminError('usage', `--label takes a name, not "${label}"`, { hint: 'Give several by several --label.' });
  return labels;
}

function listenOption(input: CommandInput): { readonly host: string; readonly port: number } | undefined {
  const text = textOption(input, 'listen') ?? DEFAULT_LISTEN;
  if (text === 'off') return undefined;
  const match = /^(?:\[([\da-f:]+)\]|([^:]+)):(\d{1,5})$/i.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) throw new DbadminError('usage', `--listen takes HOST:PORT or off, not "${text}"`);
  return { host: match[1] ?? match[2] ?? '', port };
}
