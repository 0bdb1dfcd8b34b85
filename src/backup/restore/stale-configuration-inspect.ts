import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { systemCodeOf } from '../../base/errors.ts';
import { asideSuffix } from './aside-name.ts';
import { outerDirectoryOf, type OuterFile } from './configuration-files.ts';
import type { LayoutPlan } from './plan.ts';

/** Configuration that another restore laid down beside the data directory, or somebody since, and that the backup has not. */
export interface StaleConfiguration {
  readonly directory: string;
  /** Relative to it. */
  readonly files: readonly string[];
  /** Absent: where they go, under the same names. */
  readonly aside: string;
}

/** With `include_dir` a file that stays is a setting that stays: of a moment that is not the one restored. Undefined for none. */
export async function inspectStaleConfiguration(
  { dataDirectory }: LayoutPlan,
  outer: readonly OuterFile[],
): Promise<StaleConfiguration | undefined> {
  const directory = outerDirectoryOf(dataDirectory);
  const laid = new Set(outer.map((file) => `${directory}${file.path}`));
  try {
    const found = await readdir(directory, { recursive: true, withFileTypes: true });
    const files = found
      .filter((each) => !each.isDirectory())
      .map((each) => path.join(each.parentPath, each.name))
      .filter((file) => !laid.has(file))
      .map((file) => path.relative(directory, file))
      .sort();
    return files.length === 0 ? undefined : { directory, files, aside: `${directory}${asideSuffix(new Date())}` };
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
