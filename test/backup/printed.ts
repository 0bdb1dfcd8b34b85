import { PassThrough } from 'node:stream';
import type { Output } from '../../src/commands/output.ts';
import { createTerminalOutput } from '../../src/commands/terminal-output.ts';

/** What a command that shows something prints, without a terminal. */
export function printed(show: (output: Output) => void): { readonly stdout: string; readonly stderr: string } {
  const [stdout, stderr, stdin] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const output = createTerminalOutput({
    json: false,
    quiet: false,
    yes: false,
    colour: false,
    stdout: stdout as unknown as NodeJS.WriteStream,
    stderr: stderr as unknown as NodeJS.WriteStream,
    stdin: stdin as unknown as NodeJS.ReadStream,
    signal: new AbortController().signal,
  });
  show(output);
  return { stdout: textOf(stdout), stderr: textOf(stderr) };
}

function textOf(stream: PassThrough): string {
  const chunks: Buffer[] = [];
  for (let chunk = stream.read() as Buffer | null; chunk !== null; chunk = stream.read() as Buffer | null) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
