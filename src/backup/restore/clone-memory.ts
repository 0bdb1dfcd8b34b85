import type { CloneSettings, Setting } from './clone-settings.ts';

const KB = 1024;
const MB = 1024 * KB;
const UNITS: Readonly<Record<string, number>> = { B: 1, kB: KB, MB, GB: 1024 * MB, TB: 1024 * 1024 * MB };

/** Settings of memory: what a number without a unit counts, PostgreSQL's own value, the smallest, and the most of a machine. */
const SHARES = [
  { name: 'shared_buffers', unitBytes: 8 * KB, usual: 128 * MB, least: 16 * MB, share: 8 },
  { name: 'maintenance_work_mem', unitBytes: KB, usual: 64 * MB, least: 16 * MB, share: 32 },
  { name: 'work_mem', unitBytes: KB, usual: 4 * MB, least: MB, share: 256 },
] as const;

/**
 * Memory and WAL on disk as the clone's machine can bear them: the original's figures where they are small enough,
 * otherwise a share of what the machine has.
 */
export function fittedMemory({ original, machineBytes, walSegmentBytes }: CloneSettings): readonly Setting[] {
  const shares = SHARES.map(({ name, unitBytes, usual, least, share }) => {
    const wanted = memoryBytes(original(name), unitBytes) ?? usual;
    return [name, `${Math.floor(Math.max(least, Math.min(wanted, machineBytes / share)) / KB)}kB`] as const;
  });
  // At least twice a segment, or the server refuses to start.
  const walMegabytes = Math.max(80, (5 * walSegmentBytes) / MB);
  return [
    ...shares,
    ['autovacuum_work_mem', '-1'],
    ['wal_buffers', '-1'],
    ['temp_buffers', '8MB'],
    ['effective_cache_size', `${Math.floor(machineBytes / 2 / KB)}kB`],
    ['huge_pages', 'off'],
    ['max_stack_depth', '2MB'],
    ['min_wal_size', `${walMegabytes}MB`],
    ['max_wal_size', `${Math.max(1024, 2 * walMegabytes)}MB`],
  ];
}

/** Bytes of a setting's text (`8GB`, `16384` of `unitBytes` each), or undefined when it is none. */
export function memoryBytes(text: string | undefined, unitBytes: number): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(B|kB|MB|GB|TB)?\s*$/.exec(text ?? '');
  if (match === null) return undefined;
  return Number(match[1]) * (match[2] === undefined ? unitBytes : (UNITS[match[2]] ?? unitBytes));
}
