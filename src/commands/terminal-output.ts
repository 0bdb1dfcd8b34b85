import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline/promises';
import { styleText } from 'node:util';
import type Table from 'cli-table3';
import { formatBytes } from '../base/bytes.ts';
import { formatDuration } from '../base/durations.ts';
import { DbadminError } from '../base/errors.ts';
import { toJson } from '../base/json.ts';
import type { Column, LiveLine, Output, Progress } from './output.ts';

export interface TerminalOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly yes: boolean;
  readonly colour: boolean;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly stdin: NodeJS.ReadStream;
  /** Ends a question, too. */
  readonly signal: AbortSignal;
}

const STYLES = { good: 'green', bad: 'red', warn: 'yellow', dim: 'dim', bold: 'bold' } as const;
const SILENT_LINE_EVERY_MS = 10_000;
const REDRAW_EVERY_MS = 100;
const BORDERLESS = Object.fromEntries(
  [
    'top',
    'top-mid',
    'top-left',
    'top-right',
    'bottom',
    'bottom-mid',
    'bottom-left',
    'bottom-right',
    'left',
    'left-mid',
    'mid',
    'mid-mid',
    'right',
    'right-mid',
    'middle',
  ].map((side) => [side, '']),
);

/** The {@link Output} of a real terminal or pipe. */
export function createTerminalOutput(options: TerminalOptions): Output {
  const { json, quiet, stdout, stderr } = options;
  let isUnread = false;
  stdout.once('error', () => (isUnread = true));
  const style: Output['style'] = (kind, text) =>
    options.colour && !json ? styleText(STYLES[kind], text, { validateStream: false }) : text;
  return {
    json,
    quiet,
    get isUnread() {
      return isUnread;
    },
    isOnTerminal: stdout.isTTY && !json,
    style,
    line: (text = '') => void (json || stdout.write(`${text}\n`)),
    table: (columns, rows) => void (json || stdout.write(renderTable(columns, rows, style))),
    result: (value) => void (json && stdout.write(`${toJson(value, 2)}\n`)),
    raw: (text) => void stdout.write(text),
    note: (text) => void (quiet || stderr.write(`${text}\n`)),
    warn: (text) => void stderr.write(`${style('warn', 'warning:')} ${text}\n`),
    progress: (label, unit = 'bytes') =>
      quiet ? SILENT_PROGRESS : stderr.isTTY ? liveProgress(label, unit, stderr) : plainProgress(label, unit, stderr),
    live: () => (quiet ? SILENT_LINE : stderr.isTTY ? lineInPlace(stderr) : lineNowAndThen(stderr)),
    confirm: async (question) => {
      if (options.yes) return true;
      if (!options.stdin.isTTY) {
        throw new DbadminError('confirmation-missing', 'this needs an answer and there is no terminal to ask on', {
          detail: question,
          hint: 'Look at the plan first, then give --yes.',
        });
      }
      return /^y(es)?$/i.test((await ask(`${question} [y/N] `, options)).trim());
    },
  };
}

/** @throws {DbadminError} `interrupted` on Ctrl-C and Ctrl-D, and when the signal comes. */
async function ask(question: string, { stdin, stderr, signal }: TerminalOptions): Promise<string> {
  const prompt = createInterface({ input: stdin, output: stderr });
  // Not every Node ends a question whose prompt is closed.
  const closed = once(prompt, 'close').then(() => undefined);
  try {
    const answer = await Promise.race([prompt.question(question, { signal }).catch(() => undefined), closed]);
    // What is said next begins a line.
    if (answer === undefined) stderr.write('\n');
    signal.throwIfAborted();
    if (answer === undefined) throw new DbadminError('interrupted', 'interrupted at a question');
    return answer;
  } finally {
    prompt.close();
  }
}

const SILENT_LINE: LiveLine = { show: () => undefined, clear: () => undefined };
const LIVE_LINE_EVERY_MS = 5000;

function lineInPlace(stderr: NodeJS.WriteStream): LiveLine {
  let isShown = false;
  return {
    show: (text) => {
      isShown = true;
      stderr.write(`\r\u001b[2K  ${text.slice(0, Math.max(20, (stderr.columns || 80) - 3))}`);
    },
    clear: () => {
      if (isShown) stderr.write('\r\u001b[2K');
      isShown = false;
    },
  };
}

function lineNowAndThen(stderr: NodeJS.WriteStream): LiveLine {
  let printedMs = 0;
  let printedTopic: string | undefined;
  return {
    show: (text, topic = '') => {
      if (topic === printedTopic && Date.now() - printedMs < LIVE_LINE_EVERY_MS) return;
      [printedMs, printedTopic] = [Date.now(), topic];
      stderr.write(`  ${text}\n`);
    },
    clear: () => (printedTopic = undefined),
  };
}

const SILENT_PROGRESS: Progress = { update: () => undefined, end: () => undefined };

function renderTable(columns: readonly (Column | string)[], rows: readonly (readonly string[])[], style: Output['style']): string {
  const heads = columns.map((column) => (typeof column === 'string' ? { head: column } : column));
  // Loaded here: a command that writes no table need not wait for it.
  const Grid = createRequire(import.meta.url)('cli-table3') as typeof Table;
  const table = new Grid({
    chars: BORDERLESS,
    head: heads.map((column) => style('dim', column.head)),
    colAligns: heads.map((column) => column.align ?? 'left'),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
  });
  table.push(...rows.map((row) => [...row]));
  const lines = table.toString().split('\n');
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}

function describeProgress(unit: 'bytes' | 'count', done: number, total: number | undefined, startedMs: number): string {
  const show = (value: number): string => (unit === 'bytes' ? formatBytes(value) : value.toLocaleString('en'));
  const spentMs = Date.now() - startedMs;
  const rate = spentMs > 0 ? (done * 1000) / spentMs : 0;
  const known = total !== undefined && total > 0;
  const eta = known && rate > 0 && done < total ? `  ETA ${formatDuration(((total - done) / rate) * 1000)}` : '';
  return `${show(done)}${known ? ` of ${show(total)}` : ''}  ${formatDuration(spentMs)}  ${show(rate)}/s${eta}`;
}

function liveProgress(label: string, unit: 'bytes' | 'count', stderr: NodeJS.WriteStream): Progress {
  const startedMs = Date.now();
  let drawnMs = 0;
  const draw = (text: string): void => void stderr.write(`\r\u001b[2K${text.slice(0, Math.max(20, (stderr.columns || 80) - 1))}`);
  return {
    update: (done, total, note = '') => {
      if (Date.now() - drawnMs < REDRAW_EVERY_MS) return;
      drawnMs = Date.now();
      const share = total !== undefined && total > 0 ? Math.min(1, done / total) : 0;
      const bar = '█'.repeat(Math.round(share * 24)).padEnd(24, '░');
      draw(`  ${label.padEnd(10)} ${total === undefined ? '' : `${bar}  `}${describeProgress(unit, done, total, startedMs)}  ${note}`);
    },
    end: (summary) => void (draw(''), summary !== undefined && stderr.write(`  ${label.padEnd(10)} ${summary}\n`)),
  };
}

function plainProgress(label: string, unit: 'bytes' | 'count', stderr: NodeJS.WriteStream): Progress {
  const startedMs = Date.now();
  let printedMs = startedMs;
  return {
    update: (done, total, note = '') => {
      if (Date.now() - printedMs < SILENT_LINE_EVERY_MS) return;
      printedMs = Date.now();
      stderr.write(`  ${label.padEnd(10)} ${describeProgress(unit, done, total, startedMs)}  ${note}\n`);
    },
    end: (summary) => void (summary !== undefined && stderr.write(`  ${label.padEnd(10)} ${summary}\n`)),
  };
}
