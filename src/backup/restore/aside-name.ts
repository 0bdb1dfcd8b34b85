/** What follows the name of a directory that something was moved out of: `-20261122T031503Z`. */
export function asideSuffix(at: Date): string {
  return `-${at.toISOString().replaceAll(/[-:]|\.\d+/g, '')}`;
}
