import { writeFile } from 'node:fs/promises';
import os from 'node:os';

/** One figure: ours, of every run, and the peer's of the same runs when there is one. */
export interface Figure {
  readonly name: string;
  readonly unit: 's' | 'ms' | 'MB' | 'MB/s' | 'rows/s' | 'pages';
  readonly ours: readonly number[];
  readonly peer?: { readonly name: string; readonly values: readonly number[] };
  readonly target?: Target;
  /** Why it does not count: a restored backup that differs, a command that failed. */
  readonly failed?: string;
}

export type Target =
  | { readonly kind: 'ratio-at-most'; readonly limit: number; readonly goal?: number }
  | { readonly kind: 'ratio-at-least'; readonly limit: number }
  | { readonly kind: 'value-at-most'; readonly limit: number }
  /** Of each run, and not of the median alone: what is promised as a bound. */
  | { readonly kind: 'each-at-most'; readonly limit: number }
  | { readonly kind: 'value-at-least'; readonly limit: number };

export interface Result {
  readonly name: string;
  readonly value: number | null;
  readonly unit: string;
  readonly target: string | null;
  readonly peer: { readonly name: string; readonly value: number } | null;
  readonly ratio: number | null;
  /** Null where there is no target. */
  readonly reached: boolean | null;
  readonly spread: { readonly ours: readonly number[]; readonly peer: readonly number[] };
  readonly failed?: string;
}

/** The figure's median, its ratio to the peer's, and whether that reaches the target. */
export function judge(figure: Figure): Result {
  const value = median(figure.ours);
  const peer = figure.peer === undefined ? undefined : { name: figure.peer.name, value: median(figure.peer.values) };
  const ratio = value === undefined || peer?.value === undefined ? undefined : value / peer.value;
  const { target, failed } = figure;
  return {
    name: figure.name,
    value: value ?? null,
    unit: figure.unit,
    target: target === undefined ? null : describe(target, figure.unit),
    peer: peer?.value === undefined ? null : { name: peer.name, value: peer.value },
    ratio: ratio ?? null,
    reached: failed === undefined ? (target === undefined ? null : isReached(target, figure.ours, ratio)) : false,
    spread: { ours: figure.ours, peer: figure.peer?.values ?? [] },
    ...(failed === undefined ? {} : { failed }),
  };
}

export function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  const lower = sorted[middle - 1];
  return sorted.length % 2 === 1 || upper === undefined || lower === undefined ? upper : (lower + upper) / 2;
}

/** The results as lines of text, the widest name first. */
export function table(results: readonly Result[]): string {
  const rows = results.map((result) => [
    result.name,
    `${shown(result.value)} ${result.unit} ${range(result.spread.ours)}`,
    result.peer === null ? '' : `${result.peer.name} ${shown(result.peer.value)} ${range(result.spread.peer)}`,
    result.ratio === null ? '' : `${result.ratio.toFixed(2)} ×`,
    result.target ?? '',
    result.failed === undefined
      ? result.reached === null
        ? ''
        : result.reached
          ? 'reached'
          : 'NOT REACHED'
      : `FAILED: ${result.failed.split('\n', 1)[0]?.slice(-160)}`,
  ]);
  const head = ['work', 'ours: median (least–most)', 'peer', 'ratio', 'target', ''];
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)));
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export async function writeJson(file: string, results: readonly Result[], settings: Readonly<Record<string, unknown>>): Promise<void> {
  await writeFile(file, `${JSON.stringify({ machine: machine(), settings, results }, undefined, 2)}\n`);
}

export function machine(): string {
  const [cpu] = os.cpus();
  return `${os.cpus().length} × ${cpu?.model.trim() ?? 'unknown processor'}, ${Math.round(os.totalmem() / 2 ** 30)} GiB, ${os.type()} ${os.release()}`;
}

function isReached(target: Target, values: readonly number[], ratio: number | undefined): boolean {
  const value = median(values);
  switch (target.kind) {
    case 'ratio-at-most':
      return ratio !== undefined && ratio <= target.limit;
    case 'ratio-at-least':
      return ratio !== undefined && ratio >= target.limit;
    case 'value-at-most':
      return value !== undefined && value <= target.limit;
    case 'each-at-most':
      return value !== undefined && values.every((each) => each <= target.limit);
    case 'value-at-least':
      return value !== undefined && value >= target.limit;
  }
}

function describe(target: Target, unit: string): string {
  switch (target.kind) {
    case 'ratio-at-most':
      return `≤ ${target.limit} ×${target.goal === undefined ? '' : `, goal ${target.goal} ×`}`;
    case 'ratio-at-least':
      return `≥ ${target.limit} ×`;
    case 'value-at-most':
      return `≤ ${target.limit} ${unit}`;
    case 'each-at-most':
      return `each ≤ ${target.limit} ${unit}`;
    case 'value-at-least':
      return `≥ ${target.limit} ${unit}`;
  }
}

function range(values: readonly number[]): string {
  return values.length < 2 ? '' : `(${shown(Math.min(...values))}–${shown(Math.max(...values))})`;
}

function shown(value: number | null): string {
  return value === null ? '–' : value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
