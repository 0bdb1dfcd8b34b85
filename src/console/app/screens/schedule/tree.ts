import type { JobDocument } from './documents.ts';

/** A job and how far below the first of its chain it stands. */
export interface TreeLine {
  readonly job: JobDocument;
  readonly depth: number;
}

/**
 * Jobs so that each stands under what it runs after: under the last named of several, once. One whose others are not shown
 * stands at the top.
 */
export function dependencyTree(jobs: readonly JobDocument[]): readonly TreeLine[] {
  const names = new Set(jobs.map(({ name }) => name));
  const parentOf = (job: JobDocument): string | undefined => job.after.findLast((each) => names.has(each));
  const children = Map.groupBy(jobs, parentOf);
  const seen = new Set<string>();
  const below = (job: JobDocument, depth: number): readonly TreeLine[] => {
    if (seen.has(job.name)) return [];
    seen.add(job.name);
    return [{ job, depth }, ...(children.get(job.name) ?? []).flatMap((each) => below(each, depth + 1))];
  };
  return (children.get(undefined) ?? []).flatMap((job) => below(job, 0));
}
