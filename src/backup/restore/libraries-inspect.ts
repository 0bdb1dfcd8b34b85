import { access } from 'node:fs/promises';
import path from 'node:path';
import type { ServerPrograms } from '../../postgres/server.ts';
import { busyLibrary, libraryName, LIBRARY_SETTINGS, type LibrarySetting } from './clone-settings.ts';

/** Libraries that the original preloads, divided by what a clone does with them. */
export interface CloneLibraries {
  readonly kept: ReadonlyMap<LibrarySetting, readonly string[]>;
  readonly left: readonly LeftLibrary[];
}

export interface LeftLibrary {
  readonly setting: LibrarySetting;
  readonly library: string;
  /** Why it is left out: `is not on this machine`, `runs its jobs`. */
  readonly reason: string;
}

/**
 * Looks which of the original's libraries a clone may preload: those that are on this machine, without which it would not
 * start or take connections, and that do nothing by themselves.
 */
export async function inspectLibraries(
  original: (name: string) => string | undefined,
  programs: ServerPrograms | undefined,
): Promise<CloneLibraries> {
  const kept = new Map<LibrarySetting, readonly string[]>();
  const left: LeftLibrary[] = [];
  for (const setting of LIBRARY_SETTINGS) {
    const present: string[] = [];
    for (const library of namesOf(original(setting))) {
      const busy = busyLibrary(library);
      const missing = programs === undefined || !(await isInstalled(library, programs));
      if (busy === undefined && !missing) present.push(library);
      else left.push({ setting, library, reason: busy ?? 'is not on this machine' });
    }
    kept.set(setting, present);
  }
  return { kept, left };
}

function namesOf(value: string | undefined): readonly string[] {
  return (value ?? '')
    .split(',')
    .map((name) => name.trim().replace(/^"(.*)"$/, '$1'))
    .filter((name) => name !== '');
}

async function isInstalled(library: string, programs: ServerPrograms): Promise<boolean> {
  const file = `${libraryName(library)}.so`;
  const prefix = path.dirname(programs.binDirectory);
  const places = path.isAbsolute(library)
    ? [library.endsWith('.so') ? library : `${library}.so`]
    : [path.join(prefix, 'lib', file), path.join(prefix, 'lib', 'postgresql', file)];
  for (const place of places) {
    try {
      await access(place);
      return true;
    } catch {
      // the next place may have it
    }
  }
  return false;
}
