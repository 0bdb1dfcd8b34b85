export interface Point {
  /** What stands for it in words, such as a day. */
  readonly name: string;
  readonly value: number;
}

/** The mean of each point and those before it, as many as there are up to `over`. */
export function rollingMean(points: readonly Point[], over: number): readonly number[] {
  let sum = 0;
  return points.map(({ value }, at) => {
    sum += value - (at >= over ? (points[at - over]?.value ?? 0) : 0);
    return sum / Math.min(over, at + 1);
  });
}

/** 0 and two or three round numbers above, the last at or above `most`. */
export function ticksTo(most: number): readonly number[] {
  if (most <= 0) return [0, 1];
  const rough = most / 2;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(1, [1, 2, 2.5, 5, 10].map((each) => each * power).find((each) => each >= rough) ?? rough);
  const ticks = [0];
  while ((ticks.at(-1) ?? 0) < most) ticks.push((ticks.at(-1) ?? 0) + step);
  return ticks;
}

/** Up to so many labels, evenly spread, the first and the last among them. */
export function spread(count: number, most: number): readonly number[] {
  if (count <= most) return Array.from({ length: count }, (_, at) => at);
  return Array.from({ length: most }, (_, nth) => Math.round((nth * (count - 1)) / (most - 1)));
}

/** One of five shades by how much of the most it is; 0 is none. Even one play is seen. */
export function shadeOf(value: number, most: number): number {
  return value <= 0 || most <= 0 ? 0 : Math.max(1, Math.ceil((value / most) * 5));
}
