import { inject } from 'vitest';
import type { ProgramResult } from './cluster.ts';

/**
 * Runs a client program of `major` over directories of this machine: pg_verifybackup on a restored data directory,
 * pg_waldump on segments. The directories have the same paths in there, may only be read unless `access` says more, and there is no network.
 * Undefined where no container image of that major can be had: the embedded servers come without client programs.
 */
export async function runClientProgram(
  major: number,
  program: string,
  args: readonly string[],
  directories: readonly string[],
  access: 'ro' | 'rw' = 'ro',
): Promise<ProgramResult | undefined> {
  const image = inject('providers').images[major];
  if (image === undefined) return undefined;
  const { runOnce } = await import('./container-cluster.ts');
  return await runOnce(image, [`/usr/lib/postgresql/${major}/bin/${program}`, ...args], directories, access);
}
