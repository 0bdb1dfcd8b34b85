import { describe, expect, test } from 'vitest';
import { CoveredTime } from '../../../../src/backup/wal/covered-time.ts';

const at = (ms: number): Date => new Date(1_795_000_000_000 + ms);

describe('the time that received WAL covers', () => {
  test('is that of the message before the one whose position was reached: its own may be later than the position', () => {
    const covered = new CoveredTime(1000);
    covered.noteMessage(at(0), 100n, 100n);
    expect(covered.until).toBeUndefined();
    covered.noteMessage(at(10), 200n, 200n);
    expect(covered.until).toEqual(at(0));
    covered.noteMessage(at(500), 200n);
    covered.noteMessage(at(700), 300n, 300n);
    expect(covered.until).toEqual(at(500));
  });

  test('does not move with keepalives, however many come', () => {
    const covered = new CoveredTime(1000);
    covered.noteMessage(at(0), 100n, 100n);
    covered.noteMessage(at(10), 200n, 200n);
    for (let ms = 1000; ms < 60_000; ms += 1000) covered.noteMessage(at(ms), 200n);
    expect(covered.until).toEqual(at(0));
  });

  test('of an idle server moves with the positions that are asked for after a message has come', () => {
    const covered = new CoveredTime(1000);
    covered.noteMessage(at(1000), 200n);
    covered.noteFlushed(at(1000), 200n, 200n);
    expect(covered.until).toEqual(at(1000));
    // More was flushed than has come: covered once it has.
    covered.noteMessage(at(2000), 200n);
    covered.noteFlushed(at(2000), 300n, 200n);
    expect(covered).toMatchObject({ until: at(1000), isBehind: true });
    covered.noteMessage(at(2001), 250n, 350n);
    expect(covered.until).toEqual(at(1000));
    covered.noteMessage(at(2002), 300n, 350n);
    expect(covered.until).toEqual(at(2000));
  });

  test('of a stream that lags follows at the distance of the lag, with what is known of the time between', () => {
    const covered = new CoveredTime(1000);
    // The server writes 100 a millisecond, and half of that comes.
    for (let ms = 0; ms <= 60_000; ms += 10) {
      covered.noteMessage(at(ms), BigInt(ms * 50), BigInt(ms * 100));
      const until = covered.until === undefined ? undefined : covered.until.getTime() - at(0).getTime();
      // Never later than half the time, at which what has come was flushed, and never a second behind it.
      if (until !== undefined) expect(until).toBeLessThanOrEqual(ms / 2);
      if (ms > 4000) expect(until).toBeGreaterThan(ms / 2 - 1100);
    }
  });

  test('is not known any more when the clock of the server was set back', () => {
    const covered = new CoveredTime(1000);
    covered.noteMessage(at(5000), 100n, 100n);
    covered.noteMessage(at(5010), 200n, 200n);
    expect(covered.until).toEqual(at(5000));
    covered.noteMessage(at(100), 300n, 300n);
    expect(covered.until).toBeUndefined();
    // Asked for before the clock was set back.
    covered.noteFlushed(at(5010), 300n, 300n);
    expect(covered.until).toBeUndefined();
    covered.noteMessage(at(110), 400n, 400n);
    expect(covered.until).toEqual(at(100));
  });
});
