import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, messageOf } from '../../base/errors.ts';
import { readDescription } from '../../spotify/fake/description.ts';
import { startFakeServer, type FakeServer } from '../../spotify/fake/run.ts';
import { flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, signal } = context;
  const [file = ''] = input.args;
  const text = await readFile(path.resolve(context.cwd, file), 'utf8').catch((error: unknown) => {
    throw new DbadminError('file-unreadable', `cannot read ${file}`, { detail: messageOf(error), cause: error });
  });
  const description = readDescription(text, file);
  const server = await startFakeServer({
    description,
    clock: context.clock,
    port: wholeOption(input, 'port', 8890) ?? 0,
    seed: wholeOption(input, 'seed', 1) ?? 1,
    plays: wholeOption(input, 'plays', 40) ?? 0,
    listener: textOption(input, 'as') ?? 'ada',
    fields: textOption(input, 'fields') === 'before' ? 'before' : 'after',
    rateLimit: wholeOption(input, 'rateLimit'),
    failEvery: wholeOption(input, 'failEvery'),
    onRequest: (line) => output.note(line),
  });
  misbehave(server, input);
  output.line(`${description.title} ${description.version}: ${description.operations.length} operations at ${server.url}`);
  output.line(`sign in with: dbadmin spotify login --server ${server.url} --client-id anything`);
  try {
    await listenOn(server, wholeOption(input, 'listenEvery'), signal);
  } finally {
    await server.close();
  }
  output.result({ url: server.url, requests: server.requests.length });
  return 0;
}

function misbehave({ accounts }: FakeServer, input: CommandInput): void {
  accounts.faults.denied = flagOption(input, 'deny');
  accounts.faults.revoked = flagOption(input, 'revoke');
  accounts.faults.wrongState = flagOption(input, 'wrongState');
  accounts.faults.rotates = flagOption(input, 'rotate');
}

/** Until it is stopped; meanwhile somebody listens, so that there is something new to fetch. */
async function listenOn({ world }: FakeServer, seconds: number | undefined, signal: AbortSignal): Promise<void> {
  const timer = seconds === undefined ? undefined : setInterval(() => world.listen(1), seconds * 1000);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  clearInterval(timer);
}

function wholeOption(input: CommandInput, name: string, fallback?: number): number | undefined {
  const text = textOption(input, name);
  if (text === undefined) return fallback;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new DbadminError(
    'usage',
    `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} takes a whole number, not "${text}"`,
  );
}
