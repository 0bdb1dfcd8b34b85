import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files of few lines in which one test waits for minutes: the size of a file, by which vitest orders a first run, says nothing of that. */
const LONG_WAITS = ['test/fault/network.test.ts', 'test/fault/backup-wal-cut.test.ts', 'test/live/backup/audit-standby.test.ts'];

/**
 * Deals the projects' files out evenly, each project's longest first, where vitest runs one project after the other. Those of
 * `e2e` and `fault` wait much, for pages and for time limits; `live` and `contract` compute. Beside each other they use the cores
 * that they leave idle alone, and no long file is left for the end. Those that share a process come last, as vitest has them.
 */
export default class DealtOut extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const projects = Map.groupBy(sorted, ({ project }) => project.name);
    const dealt = [...projects.values()].flatMap((all) =>
      longWaitsFirst(all).map((file, place) => ({ file, part: (place + 0.5) / all.length })),
    );
    return dealt
      .sort((a, b) => Number(b.file.project.config.isolate) - Number(a.file.project.config.isolate) || a.part - b.part)
      .map(({ file }) => file);
  }
}

function longWaitsFirst(files: readonly TestSpecification[]): readonly TestSpecification[] {
  const waits = (file: TestSpecification): boolean => LONG_WAITS.some((name) => file.moduleId.endsWith(`/${name}`));
  return [...files.filter(waits), ...files.filter((file) => !waits(file))];
}
