/** What all commands that load have in common; light, for the lists of commands. */
export const NO_MARTS = {
  flags: '--no-marts',
  summary: 'leave the marts as they are: a later load, or mart.refresh(), catches up',
} as const;

export const MARTS_JSON = 'marts: { status: refreshed, skipped or failed; plays and tookMs when refreshed, reason when failed }';
