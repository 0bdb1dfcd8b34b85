import { createHash, randomInt } from 'node:crypto';
import path from 'node:path';

const DRAW = 'DBADMIN_TEST_MAJORS';

/** The number with which this run draws, the same in all its processes, and how to have it again. */
export function beginDraw(): string {
  const number = (process.env[DRAW] ??= String(randomInt(1_000_000)));
  return `tests of several majors that say the same run on ${number === 'all' ? 'all of them' : `one, drawn by ${DRAW}=${number}`}`;
}

/**
 * One of the cases, mostly majors of PostgreSQL, on which a test that does not depend on them is to hold all the same: drawn anew in
 * each run, for each file apart. All of them with `DBADMIN_TEST_MAJORS=all` (npm run test:majors); the number that a run prints in
 * its place draws what that run had.
 */
export function drawn<const Case>(file: string, cases: readonly Case[]): readonly Case[] {
  const number = process.env[DRAW];
  if (number === 'all') return cases;
  const drawnNumber = createHash('sha256')
    .update(`${number ?? ''} ${path.basename(file)}`)
    .digest()
    .readUInt32LE();
  const chosen = cases[drawnNumber % cases.length];
  return chosen === undefined ? [] : [chosen];
}
