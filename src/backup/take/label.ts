/** A backup's label from when it began: `20261121T203001Z-full`, with `-2`, `-3`, … when that is taken. */
export function chooseLabel(startedAt: Date, kind: 'full' | 'incremental', taken: ReadonlySet<string>): string {
  const stamp = startedAt.toISOString().replace(/\.\d+/, '').replaceAll(/[-:]/g, '');
  const base = `${stamp}-${kind === 'full' ? 'full' : 'incr'}`;
  if (!taken.has(base)) return base;
  let count = 2;
  while (taken.has(`${base}-${count}`)) count += 1;
  return `${base}-${count}`;
}
