import type { DumpRequest } from '../../src/backup/dump/run.ts';
import { systemClock } from '../../src/base/clock.ts';
import { isDbadminError } from '../../src/base/errors.ts';
import { findClientProgram, type FoundProgram } from '../../src/postgres/programs.ts';

export interface DumpPrograms {
  readonly pgDump: FoundProgram;
  readonly pgDumpall: FoundProgram;
  readonly pgRestore: FoundProgram;
}

/** The oldest pg_dump of this machine that is not older than that, and what goes with it; undefined where one of the three is missing. */
export async function findDumpPrograms(atLeastMajor = 14): Promise<DumpPrograms | undefined> {
  try {
    const pgDump = await findClientProgram('pg_dump', { atLeastMajor }, process.env);
    const least = { atLeastMajor: pgDump.major };
    const pgDumpall = await findClientProgram('pg_dumpall', least, process.env);
    return { pgDump, pgDumpall, pgRestore: await findClientProgram('pg_restore', least, process.env) };
  } catch (error) {
    if (isDbadminError(error, 'program-missing')) return undefined;
    throw error;
  }
}

/** What each dump is of and where it goes, and how it differs from a whole one of all databases. */
export type WantedDump = Partial<DumpRequest> & Pick<DumpRequest, 'repository' | 'source' | 'parameters' | 'databases' | 'spoolDirectory'>;

/** A dump of everything in these databases, as `backup dump` takes it where nothing else is said. */
export function dumpRequest({ pgDump, pgDumpall }: DumpPrograms, wanted: WantedDump): DumpRequest {
  return {
    keyPrefix: '1/',
    clusterName: 'main',
    selection: { databases: 'all', excluded: [], schemaOnly: false, tables: [] },
    leftOut: [],
    program: pgDump,
    globalsProgram: pgDumpall,
    env: process.env,
    clock: systemClock,
    tool: 'test',
    ...wanted,
  };
}
