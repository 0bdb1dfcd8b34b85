/** The segments that hold the WAL before `toLsn` from `fromLsn` on: how many, and the names of the first `most`. */
export function segmentsBetween(
  fromLsn: string,
  toLsn: string,
  timeline: number,
  segmentBytes: number,
  most: number,
): { readonly count: number; readonly names: readonly string[] } {
  const size = BigInt(segmentBytes);
  const first = positionOf(fromLsn) / size;
  const end = positionOf(toLsn);
  const last = end === 0n ? 0n : (end - 1n) / size;
  const count = last < first ? 1 : Number(last - first) + 1;
  const perLog = 0x1_0000_0000n / size;
  const hex = (value: bigint): string => value.toString(16).toUpperCase().padStart(8, '0');
  const names = Array.from({ length: Math.min(most, count) }, (_, index) => {
    const number = first + BigInt(index);
    return `${hex(BigInt(timeline))}${hex(number / perLog)}${hex(number % perLog)}`;
  });
  return { count, names };
}

/** `1/A0000028` as bytes from the beginning of all WAL. */
function positionOf(lsn: string): bigint {
  const [high = '0', low = '0'] = lsn.split('/');
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}
