import type { Grantee } from '../state.ts';

/** What of a cluster goes into the file, and how it is said. */
export interface ImportOptions {
  /** Databases to import, in the order of the file. */
  readonly databases: readonly string[];
  readonly maintenanceDatabase: string;
  /** Whether a role is declared by the file. The server's own, the bootstrap superuser and who is connected never are. */
  readonly declares: (role: string) => boolean;
  /** Globs of `--roles` when they were given: they become the file's scope. */
  readonly roleGlobs: readonly string[];
  /** Login roles that stand under `humans`; the others are services. */
  readonly isHuman: (role: string) => boolean;
  /** Whether `table core.*` may stand for every table of a schema. Without it each object is named. */
  readonly wildcards: boolean;
}

/** Whether privileges of `grantee` go into the file. */
export function speaksOf(options: ImportOptions, grantee: Grantee): boolean {
  return grantee.kind === 'public' || options.declares(grantee.name);
}
