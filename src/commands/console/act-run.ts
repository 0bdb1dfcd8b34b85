import { rm } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, ERROR_CODES, type ErrorCode } from '../../base/errors.ts';
import { DIFFERS, IN_PART } from '../../base/exit-status.ts';
import type { ActionFiles } from '../../console/action.ts';
import type { Planned } from '../../console/act-routes.ts';
import type { RunCommandChild } from '../../console/runs.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { runChild } from '../schedule/child.ts';

/** A plan that says more than this is not shown in a browser. */
const MOST_PLAN_CHARACTERS = 16 * 1024 * 1024;

/** What starts commands for the console: with its own configuration, all of it, each in a process of its own. */
export class ActionChildren {
  readonly #context: CommandContext;
  readonly #input: CommandInput;
  readonly #directory: string;

  /** `directory`: for the plans that reviews save, and for nothing else: it goes with the console. */
  constructor(context: CommandContext, input: CommandInput, directory: string) {
    this.#context = context;
    this.#input = input;
    this.#directory = directory;
  }

  readonly start: RunCommandChild = async (words, { signal, onText, who }) =>
    await runChild(this.#words(words, '--yes'), {
      cwd: this.#context.cwd,
      env: { ...this.#context.env, DBADMIN_ACTOR: `${who} in the console` },
      signal,
      output: onText,
    });

  readonly plan = async (words: readonly string[], signal: AbortSignal): Promise<Planned> => {
    let printed = '';
    const { status } = await runChild(this.#words(words, '--json'), {
      cwd: this.#context.cwd,
      env: this.#context.env,
      signal,
      output: (text, stream) => {
        if (stream === 'stdout' && printed.length < MOST_PLAN_CHARACTERS) printed += text;
      },
    });
    signal.throwIfAborted();
    const document = documentOf(printed);
    const failure = failureOf(document);
    if (failure !== undefined) throw failure;
    if (document !== undefined && (status === 0 || status === DIFFERS || status === IN_PART)) return { exitStatus: status, document };
    throw new DbadminError('program-failed', `dbadmin ${words.slice(0, 2).join(' ')} ended with ${status ?? 'a signal'} and no plan`);
  };

  readonly files = (id: string): ActionFiles => ({ plan: path.join(this.#directory, `${id}.plan`) });

  readonly forget = (planFile: string): void => void rm(planFile, { force: true }).catch(() => undefined);

  async close(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }

  /** What the console was started with, unless the words say something else. */
  #words(words: readonly string[], last: string): readonly string[] {
    const stated = (['config', 'cluster', 'url'] as const).flatMap((name) => {
      const value = textOption(this.#input, name);
      return value === undefined || words.includes(`--${name}`) ? [] : [`--${name}`, value];
    });
    return [...words, ...stated, last];
  }
}

function documentOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The failure that a command printed with `--json`. */
function failureOf(document: unknown): DbadminError | undefined {
  if (typeof document !== 'object' || document === null || !('error' in document)) return undefined;
  const { code, message, detail, hint } = document.error as Partial<Record<string, string>>;
  const known = code !== undefined && code in ERROR_CODES ? (code as ErrorCode) : 'program-failed';
  return new DbadminError(known, message ?? 'the plan failed', { detail, hint });
}
