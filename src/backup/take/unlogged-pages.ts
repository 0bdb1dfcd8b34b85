import type { UnjudgedCause, UnjudgedPages } from '../../repository/manifest.ts';
import type { FileUse } from './file-use-inspect.ts';

/** A file with pages of which nothing was ever logged and that differ, and that nobody may judge. */
export interface UnjudgedFile {
  readonly path: string;
  readonly pages: number;
  /** For people, as {@link UnjudgedCause} has them. */
  readonly reason: string;
  readonly wayOut: string;
}

/** Pages that differ and of which nothing was ever logged, of one file. */
interface UnloggedOfFile {
  /** Those that are listed; there are `pages`. */
  readonly blocks: number[];
  pages: number;
}

/** Says of files of relations whether they are read. */
export type InspectUse = (paths: readonly string[]) => Promise<ReadonlyMap<string, FileUse>>;

/**
 * Pages that differ and of which nothing was ever logged. No page tells which it is: an index that is being built changes so, which is
 * nobody's loss and may be gigabytes, and what was loaded under wal_level = minimal has such pages for good, which nobody but the
 * storage changes. The use of their file tells.
 */
export class UnloggedPages {
  readonly #files = new Map<string, UnloggedOfFile>();
  readonly #listed: number;

  /** Of each file so many blocks are listed. */
  constructor(listed: number) {
    this.#listed = listed;
  }

  add(path: string, block: number): void {
    const known = this.#files.get(path);
    const file = known ?? { blocks: [], pages: 0 };
    if (known === undefined) this.#files.set(path, file);
    file.pages += 1;
    if (file.blocks.length < this.#listed) file.blocks.push(block);
  }

  /** What is wrong of them, by file, and what nobody may judge. Nobody is asked where there are none. */
  async judge(inspectUse: InspectUse): Promise<{
    readonly mismatches: ReadonlyMap<string, { readonly blocks: readonly number[]; readonly pages: number }>;
    readonly unjudged: readonly UnjudgedFile[];
  }> {
    const mismatches = new Map<string, UnloggedOfFile>();
    const unjudged: UnjudgedFile[] = [];
    const uses = this.#files.size === 0 ? new Map<string, FileUse>() : await inspectUse([...this.#files.keys()]);
    for (const [path, file] of this.#files) {
      const use = uses.get(path) ?? 'unused';
      if (use === 'used') mismatches.set(path, file);
      else if (use !== 'unused') unjudged.push({ path, pages: file.pages, reason: use.unknown, wayOut: use.wayOut });
    }
    return { mismatches, unjudged };
  }
}

/** Causes that are kept. */
const CAUSES = 10;
/** Files of each that are. */
const PATHS = 100;

/** What of them a manifest keeps, by cause. */
export function unjudgedPages(unjudged: readonly UnjudgedFile[]): UnjudgedPages | undefined {
  if (unjudged.length === 0) return undefined;
  const found = [...Map.groupBy(unjudged, ({ reason }) => reason).values()].map(causeOf).toSorted((a, b) => b.pages - a.pages);
  const others = found.length > CAUSES ? found.splice(CAUSES - 1) : [];
  const causes = others.length === 0 ? found : [...found, together(others)];
  return { pages: pagesOf(causes), files: unjudged.length, causes };
}

function causeOf(files: readonly UnjudgedFile[]): UnjudgedCause {
  const { reason = '', wayOut = '' } = files[0] ?? {};
  return { pages: pagesOf(files), files: files.length, paths: files.slice(0, PATHS).map(({ path }) => path), reason, wayOut };
}

function together(causes: readonly UnjudgedCause[]): UnjudgedCause {
  const { reason = '', wayOut = '' } = causes[0] ?? {};
  return {
    pages: pagesOf(causes),
    files: causes.reduce((sum, { files }) => sum + files, 0),
    paths: causes.flatMap(({ paths }) => paths).slice(0, PATHS),
    reason: `${reason}, and ${causes.length === 2 ? 'one more reason' : `${causes.length - 1} more reasons`}`,
    wayOut,
  };
}

function pagesOf(counted: readonly { readonly pages: number }[]): number {
  return counted.reduce((sum, { pages }) => sum + pages, 0);
}
