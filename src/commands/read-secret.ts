import { DbadminError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import type { CommandContext } from './command.ts';

const ENTER = new Set(['\r', '\n']);
const ERASE = new Set(['\u007F', '\b']);
const INTERRUPT = '\u0003';
const END = '\u0004';

/** A terminal, as far as reading a line unseen needs one. */
type Terminal = NodeJS.ReadableStream & { setRawMode(mode: boolean): unknown };

/**
 * A line typed on the terminal, which is not shown. Undefined where there is no terminal to ask on.
 *
 * @throws {DbadminError} `interrupted` on Ctrl-C and when the signal comes, `usage` when nothing was typed.
 */
export async function readUnseen(
  context: Pick<CommandContext, 'stdin' | 'output' | 'signal'>,
  question: string,
): Promise<Secret | undefined> {
  const { stdin } = context;
  if (!isTerminal(stdin)) return undefined;
  context.output.note(`${question} (nothing is shown):`);
  stdin.setRawMode(true);
  try {
    const typed = await readLine(stdin, context.signal);
    if (typed === '') throw new DbadminError('usage', 'nothing was typed');
    return new Secret(typed);
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
  }
}

export function isTerminal(stdin: NodeJS.ReadableStream): stdin is Terminal {
  return 'isTTY' in stdin && stdin.isTTY === true && 'setRawMode' in stdin;
}

async function readLine(stdin: Terminal, signal: AbortSignal): Promise<string> {
  const characters: string[] = [];
  return await new Promise<string>((resolve, reject) => {
    const decoder = new TextDecoder();
    const done = (act: () => void): void => {
      stdin.removeListener('data', onData);
      signal.removeEventListener('abort', onAbort);
      act();
    };
    const onData = (data: Buffer | string): void => {
      const text = typeof data === 'string' ? data : decoder.decode(data, { stream: true });
      for (const character of text) {
        if (ENTER.has(character) || character === END) {
          done(() => resolve(characters.join('')));
          return;
        }
        if (character === INTERRUPT) {
          done(() => reject(new DbadminError('interrupted', 'interrupted while a secret was being typed')));
          return;
        }
        if (ERASE.has(character)) characters.pop();
        else characters.push(character);
      }
    };
    const onAbort = (): void => done(() => reject(signal.reason as Error));
    stdin.on('data', onData);
    signal.addEventListener('abort', onAbort);
    stdin.resume();
  });
}
