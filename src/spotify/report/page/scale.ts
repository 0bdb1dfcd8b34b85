/** Where the lines of a scale stand: 0 and round steps up to at least `highest`, three to five of them. */
export function ticks(highest: number): readonly number[] {
  if (!(highest > 0)) return [0, 1];
  const rough = Math.max(1, highest / 3);
  const power = 10 ** Math.floor(Math.log10(rough));
  const steps = [1, 2, 2.5, 5, 10].map((factor) => factor * power).filter((step) => Number.isInteger(step));
  const whole = steps.find((step) => step >= rough) ?? power * 10;
  return Array.from({ length: Math.ceil(highest / whole) + 1 }, (_, at) => at * whole);
}

/** A number of a drawing, short: two digits after the point at most. */
export function short(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** Which of `count` labels to write so that at most `most` are: the first, and every so many. */
export function labelEvery(count: number, most: number): number {
  return Math.max(1, Math.ceil(count / most));
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `2025-10-03` as `3 Oct 2025`; what is no day stays as it is. */
export function dayText(day: string): string {
  const [, year, month, date] = /^(\d{4,})-(\d{2})-(\d{2})$/.exec(day) ?? [];
  if (year === undefined || month === undefined || date === undefined) return day;
  return `${Number(date)} ${MONTHS[Number(month) - 1] ?? month} ${year}`;
}

/** `2025-10-01` as `Oct 2025`. */
export function monthText(day: string): string {
  return dayText(day).replace(/^\d+ /, '');
}

/** Every day from `first` to `last`, both included. */
export function daysBetween(first: string, last: string): readonly string[] {
  const start = Date.parse(`${first}T00:00:00Z`);
  const count = Math.round((Date.parse(`${last}T00:00:00Z`) - start) / 86_400_000) + 1;
  return Array.from({ length: Math.max(0, count) }, (_, at) => new Date(start + at * 86_400_000).toISOString().slice(0, 10));
}
