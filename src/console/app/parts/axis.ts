/** A round end at or above `most` and round steps up to it: at most five steps. */
export function roundAxis(most: number): { readonly span: number; readonly ticks: readonly number[] } {
  const least = Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(least));
  const step = ([0.2, 0.5, 1, 2].find((each) => least / (each * power) <= 5) ?? 2) * power;
  const steps = Math.ceil(least / step - 1e-9);
  return { span: steps * step, ticks: Array.from({ length: steps + 1 }, (_, at) => Math.round(at * step * 1000) / 1000) };
}

const SECOND_MS = 1000;
const STEPS_MS = [
  1,
  2,
  5,
  10,
  20,
  50,
  100,
  200,
  500,
  ...[1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400].map((each) => each * SECOND_MS),
];

/** The same for spans of time: steps that a clock has. */
export function timeAxis(mostMs: number): { readonly span: number; readonly ticks: readonly number[] } {
  const least = Math.max(1, mostMs);
  const step = STEPS_MS.find((each) => least / each <= 5) ?? Math.ceil(least / 5 / 86_400_000) * 86_400_000;
  const steps = Math.ceil(least / step - 1e-9);
  return { span: steps * step, ticks: Array.from({ length: steps + 1 }, (_, at) => at * step) };
}
