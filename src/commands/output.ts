import { DbadminError } from '../base/errors.ts';

/** One column of a table for people. */
export interface Column {
  readonly head: string;
  readonly align?: 'left' | 'right';
}

/** A long piece of work being shown. `total` may come late or never. */
export interface Progress {
  /** `done` and `total` in bytes unless the unit says otherwise; `note` stands at the end of the line. */
  update(done: number, total?: number, note?: string): void;
  /** Ends the line, leaving `summary` on the screen. */
  end(summary?: string): void;
}

/** A line about something that goes on, shown while it does. */
export interface LiveLine {
  /** On a terminal in place of the text before; elsewhere a line every few seconds, and at once when `topic` is another one. */
  show(text: string, topic?: string): void;
  /** It is over: nothing stays of it on a terminal. */
  clear(): void;
}

/**
 * What a command says: results on stdout, everything else on stderr.
 *
 * With `--json` the text and table methods print nothing and {@link Output.result} prints the one document;
 * without it `result` prints nothing. So a command calls both and never asks which mode it is in.
 */
export interface Output {
  readonly json: boolean;
  readonly quiet: boolean;
  /** Nobody reads the result any more: what only shows may end early, and what does something goes on. */
  readonly isUnread: boolean;
  /** Whether the result, as it is for people, stands on a terminal: neither JSON nor sent elsewhere. */
  readonly isOnTerminal: boolean;
  /** A line of the result, for people. */
  line(text?: string): void;
  /** A table of the result, for people; cells may hold several lines. */
  table(columns: readonly (Column | string)[], rows: readonly (readonly string[])[]): void;
  /** The whole result for machines; called once. Keys are camel case and stable; bigint becomes text. */
  result(value: unknown): void;
  /** Raw bytes or text of the result in both modes, such as SQL meant for a pipe. */
  raw(text: string): void;
  /** A line on stderr: what is being done. Nothing with `--quiet`. */
  note(text: string): void;
  /** A line on stderr beginning with `warning: `. */
  warn(text: string): void;
  progress(label: string, unit?: 'bytes' | 'count'): Progress;
  /** For what has no count: a wait, a phase. */
  live(): LiveLine;
  /**
   * Asks before something changes. True with `--yes`; otherwise asks on a terminal.
   *
   * @throws {DbadminError} `confirmation-missing` when there is no terminal and no `--yes`, `interrupted` when the question was not answered.
   */
  confirm(question: string): Promise<boolean>;
  /** Colours, or the text unchanged where colour is off. */
  style(kind: 'good' | 'bad' | 'warn' | 'dim' | 'bold', text: string): string;
}

/** Refuses when the answer was no: what `confirm` is mostly used for. */
export async function confirmOrStop(output: Output, question: string): Promise<void> {
  if (!(await output.confirm(question))) throw new DbadminError('interrupted', 'stopped: nothing was changed');
}
