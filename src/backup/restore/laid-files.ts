import path from 'node:path';
import type { Listed } from '../../base/listed.ts';
import type { SystemUser } from '../../postgres/server.ts';
import type { ScatteredFile } from '../../repository/blob-scatter.ts';
import type { Extents } from '../../repository/manifest.ts';
import type { FileToWrite, LayoutPlan } from './plan.ts';

/** Files as they are laid down: where and for whom. Each is made when it is asked for, and its path when that is. */
export class LaidFiles implements Listed<LaidFile> {
  readonly #files: Listed<FileToWrite>;
  readonly #place: LaidPlace;

  constructor(files: Listed<FileToWrite>, { plan, owner }: { readonly plan: LayoutPlan; readonly owner: SystemUser | undefined }) {
    this.#files = files;
    this.#place = { below: path.join(plan.dataDirectory, path.sep), owner };
  }

  get length(): number {
    return this.#files.length;
  }

  at(n: number): LaidFile | undefined {
    const file = this.#files.at(n);
    return file === undefined ? undefined : new LaidFile(file, this.#place);
  }

  *[Symbol.iterator](): Generator<LaidFile, undefined> {
    for (const file of this.#files) yield new LaidFile(file, this.#place);
  }
}

interface LaidPlace {
  /** The data directory with a slash: names of the plan lead nowhere else, and path.join looks at each for that. */
  readonly below: string;
  readonly owner: SystemUser | undefined;
}

class LaidFile implements ScatteredFile {
  readonly #file: FileToWrite;
  readonly #place: LaidPlace;

  constructor(file: FileToWrite, place: LaidPlace) {
    this.#file = file;
    this.#place = place;
  }

  get path(): string {
    return this.#place.below + this.#file.path;
  }

  get owner(): SystemUser | undefined {
    return this.#place.owner;
  }

  get sizeBytes(): number {
    return this.#file.sizeBytes;
  }

  get mode(): number {
    return this.#file.mode;
  }

  get modifiedAt(): number {
    return this.#file.modifiedAt;
  }

  get extents(): Extents {
    return this.#file.extents;
  }
}
