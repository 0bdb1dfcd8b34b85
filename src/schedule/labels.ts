/** The queue of runs that need exactly these labels: one queue a set, so that a worker asks only for what it can do. */
export function queueName(labels: readonly string[]): string {
  return ['run', ...[...new Set(labels.map((label) => label.toLowerCase()))].sort()].join('.');
}

/** Whether a worker that has `own` labels can do what needs `wanted`. What needs none, any worker can. */
export function canReach(own: readonly string[], wanted: readonly string[]): boolean {
  const has = new Set(own.map((label) => label.toLowerCase()));
  return wanted.every((label) => has.has(label.toLowerCase()));
}

/** The queues among those of `wanted` that a worker takes from, each once. */
export function queuesFor(own: readonly string[], wanted: Iterable<readonly string[]>): readonly string[] {
  return [...new Set([...wanted].filter((labels) => canReach(own, labels)).map((labels) => queueName(labels)))].sort();
}
