import { DbadminError } from './errors.ts';

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;
const FACTORS: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** A size for people: three significant digits, decimal units (`412 MB`, `2.39 GB`, `512 B`). */
export function formatBytes(sizeBytes: number | bigint): string {
  let value = Number(sizeBytes);
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${UNITS[unit] ?? 'B'}`;
}

/**
 * The bytes in a size such as `200MB`, `64 KiB` or `1048576`.
 *
 * @throws {DbadminError} `config-invalid` when `text` has another form.
 */
export function parseBytes(text: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([kmgt]?i?b)?\s*$/i.exec(text);
  const factor = FACTORS[(match?.[2] ?? 'b').toLowerCase()];
  if (match === null || factor === undefined) {
    throw new DbadminError('config-invalid', `"${text}" is not a size`, {
      hint: 'Write a number with B, kB, MB, GB, TB, KiB, MiB, GiB or TiB.',
    });
  }
  return Math.round(Number(match[1]) * factor);
}
