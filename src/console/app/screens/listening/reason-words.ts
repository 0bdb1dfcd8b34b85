/** What an extended export calls the ways in which a play begins and ends, in words; others stand as the export has them. */
const REASONS: Readonly<Record<string, string>> = {
  appload: 'App opened',
  backbtn: 'Back button',
  clickrow: 'Chosen in a list',
  clickside: 'Chosen at the side',
  endplay: 'Another song chosen',
  fwdbtn: 'Forward button',
  logout: 'Signed out',
  playbtn: 'Play button',
  popup: 'Pop-up',
  remote: 'Other device',
  trackdone: 'Song ended',
  trackerror: 'Playback error',
  'unexpected-exit': 'App ended unexpectedly',
  'unexpected-exit-while-paused': 'App ended while paused',
};

/** The value of a circumstance in words; that a song ended begins the one that follows it. */
export function reasonWords(circumstance: string, value: string): string {
  if (circumstance === 'began by' && value === 'trackdone') return 'Song before ended';
  return circumstance === 'began by' || circumstance === 'ended by' ? (REASONS[value] ?? value) : value;
}
