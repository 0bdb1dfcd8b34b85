import { createReadStream } from 'node:fs';
import path from 'node:path';
import { DbadminError, messageOf } from '../../base/errors.ts';
import { InteractionCollector } from './collect-interactions.ts';
import type { Interactions } from './data.ts';

export interface ReadInteractionsOptions {
  readonly cwd: string;
  readonly stdin: NodeJS.ReadableStream;
  /** For the lots that split the pairs. */
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly onProgress: (doneBytes: number, rows: number) => void;
}

/** Bad lines that are shown; the others are counted. */
const SHOWN = 5;
const NUMBER = /^\+?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;

/**
 * The rows of a file of listener, item and count, parted by tabs; `-` is standard input. A first line whose count is no
 * number is its header; blank lines are passed over; a count of 0 is no interaction. Read in one pass: what is kept is a
 * few numbers a row, and every name once.
 *
 * @throws {DbadminError} `load-failed` with the line numbers when lines have another form, or nothing is there;
 * `file-unreadable`.
 */
export async function readInteractions(file: string, options: ReadInteractionsOptions): Promise<Interactions> {
  const collector = new InteractionCollector(options.seed);
  const bad: string[] = [];
  let [line, badLines] = [0, 0];
  for await (const text of linesOf(file, options, () => collector.rows)) {
    line += 1;
    const reason = takeLine(collector, text, line === 1);
    if (reason === undefined) continue;
    badLines += 1;
    if (bad.length < SHOWN) bad.push(`line ${line} ${reason}`);
  }
  const [first, ...others] = bad;
  if (first !== undefined) {
    throw new DbadminError('load-failed', `${file} ${first}`, {
      detail: [...others, ...(badLines > bad.length ? [`and ${badLines - bad.length} more`] : [])].join('\n') || undefined,
      hint: 'Every line is a listener, an item and a count above or equal to 0, parted by tabs; the first may name the columns.',
    });
  }
  if (collector.rows === 0) throw new DbadminError('load-failed', `${file} has no rows of listener, item and count`);
  return collector.take();
}

/** Takes one line; gives what is wrong with it, in words that follow its number. */
function takeLine(collector: InteractionCollector, text: string, isFirst: boolean): string | undefined {
  const line = (isFirst ? text.replace(/^\uFEFF/, '') : text).replace(/\r$/, '');
  if (line.trim() === '') return undefined;
  if (line.includes('\uFFFD')) return 'is not UTF-8 text';
  const fields = line.split('\t').map((field) => field.trim());
  const [listener = '', item = '', count = ''] = fields;
  if (fields.length !== 3) return `has ${fields.length} ${fields.length === 1 ? 'field' : 'fields'}, not 3`;
  if (/^-\s*[.\d]/.test(count)) return `has a count below 0: "${count}"`;
  if (!NUMBER.test(count)) return isFirst && !/^[-+.\d]/.test(count) && count !== '' ? undefined : `has a count that is none: "${count}"`;
  if (listener === '' || item === '') return `names no ${listener === '' ? 'listener' : 'item'}`;
  const value = Number(count);
  if (!Number.isFinite(value)) return `has a count that is none: "${count}"`;
  if (value > 0) collector.add(listener, item, value);
  return undefined;
}

async function* linesOf(file: string, options: ReadInteractionsOptions, rows: () => number): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let [rest, doneBytes] = ['', 0];
  try {
    const chunks = file === '-' ? options.stdin : createReadStream(path.resolve(options.cwd, file), { highWaterMark: 1 << 20 });
    for await (const chunk of chunks) {
      if (options.signal.aborted) throw new DbadminError('interrupted', 'stopped while reading');
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      doneBytes += bytes.length;
      const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
      options.onProgress(doneBytes, rows());
    }
  } catch (error) {
    if (error instanceof DbadminError) throw error;
    throw new DbadminError('file-unreadable', `cannot read ${file}`, { detail: messageOf(error), cause: error });
  }
  rest += decoder.decode();
  if (rest !== '') yield rest;
}
