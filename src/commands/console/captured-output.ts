import type { Ran } from '../../console/asking.ts';
import { DbadminError } from '../../base/errors.ts';
import type { LiveLine, Output, Progress } from '../output.ts';

const SILENT_PROGRESS: Progress = { update: () => undefined, end: () => undefined };
const SILENT_LINE: LiveLine = { show: () => undefined, clear: () => undefined };

export interface CapturedOutput {
  readonly output: Output;
  readonly captured: () => Pick<Ran, 'document' | 'notes'>;
}

/** The output of a command that the console runs in its own process: as with `--json`, and nothing reaches a terminal. */
export function captureOutput(): CapturedOutput {
  const notes: string[] = [];
  let document: unknown = null;
  const output: Output = {
    json: true,
    quiet: false,
    isUnread: false,
    isOnTerminal: false,
    line: () => undefined,
    table: () => undefined,
    result: (value) => void (document = value),
    // Text beside the document; there is no pipe that wants it.
    raw: () => undefined,
    note: (text) => void notes.push(text),
    warn: (text) => void notes.push(`warning: ${text}`),
    progress: () => SILENT_PROGRESS,
    live: () => SILENT_LINE,
    confirm: async (question) =>
      await Promise.reject(new DbadminError('confirmation-missing', 'a question of the console changes nothing', { detail: question })),
    style: (_kind, text) => text,
  };
  return { output, captured: () => ({ document, notes }) };
}
