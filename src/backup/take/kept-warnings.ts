/** Each of them names a file: a few hundred say where a disk is bad, and the header of a manifest holds 1 MiB in all. */
const KEPT_WARNINGS = 200;
const KEPT_CHARACTERS = 500;
/** A name has up to 255 bytes. */
const KEPT_LINKS = 50;

/**
 * What a manifest keeps of the server's warnings: the first few hundred, each up to a length, and how many more there were. The server
 * warns of every damaged file, and a backup of a cluster that has thousands is the one to keep.
 */
export function keptWarnings(warnings: readonly string[]): readonly string[] {
  const kept = warnings.slice(0, KEPT_WARNINGS).map(cut);
  const more = warnings.length - kept.length;
  return more === 0 ? kept : [...kept, `${more} more warnings of the server are not kept; its log has them`];
}

/**
 * What it says of the links among those of tablespaces that are none, and not in the backup; `paths` as path-bytes.ts gives them. Not
 * among the server's warnings: it has no word on them in its log.
 */
export function foreignLinkWarnings(paths: readonly string[]): readonly string[] {
  const kept = paths.slice(0, KEPT_LINKS).map((path) => `the link ${path.toWellFormed()} is no tablespace's: it is not in the backup`);
  const more = paths.length - kept.length;
  return more === 0 ? kept : [...kept, `${more} more links in pg_tblspc are no tablespaces': they are not in the backup`];
}

/** The server's report of bad pages as a manifest keeps it. */
export function keptDamage(damage: string | undefined): string | null {
  return damage === undefined ? null : cut(damage);
}

function cut(text: string): string {
  return text.length <= KEPT_CHARACTERS ? text : `${text.slice(0, KEPT_CHARACTERS)}…`.toWellFormed();
}
