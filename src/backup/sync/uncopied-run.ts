import { isDbadminError, reasonOf, type ErrorCode } from '../../base/errors.ts';
import type { Repository } from '../../repository/repository.ts';

/** A `namesake` is a backup or dump whose label stands for another one in the destination. */
export type UncopiedKind = 'backup' | 'namesake' | 'wal' | 'history' | 'dump' | 'object';

/** Something that the source has, that was to be copied, and that was not. */
export interface Uncopied {
  readonly kind: UncopiedKind;
  /** A backup's or dump's label, a segment, a history file, an object's key. */
  readonly name: string;
  readonly problem: string;
}

/** Of a backup that would rest on damage in the destination: nothing is wrong with it in the source. */
const SHARES_DAMAGE = 'what it shares with backups that are there is damaged in the destination: ';

export function describeSharedDamage(reason: string): string {
  return `${SHARES_DAMAGE}${reason}`;
}

export function sharesDamage({ problem }: Uncopied): boolean {
  return problem.startsWith(SHARES_DAMAGE);
}

/** What is wrong with one object of the source, and says nothing of the others. */
const OF_ONE_OBJECT: readonly ErrorCode[] = [
  'repository-damaged',
  // A bit that is not as it was can make an object one of a newer version, an encrypted one, or another segment.
  'repository-format',
  'key-wrong',
  'wal-invalid',
  'lsn-invalid',
  'storage-missing',
  'backup-missing',
];

/** Whether an error that came from reading the source concerns one object of it alone. */
export function isOfOneObject(error: unknown): boolean {
  return OF_ONE_OBJECT.some((code) => isDbadminError(error, code));
}

interface Attempt {
  readonly kind: UncopiedKind;
  readonly name: string;
  /** The object that has to be there for it to be worth a word. */
  readonly key?: string;
  readonly also?: readonly ErrorCode[];
  readonly onNoted?: () => unknown;
}

/** What could not be copied, noted so that the rest still is: one damaged object must not keep back all that is whole. */
export class UncopiedList {
  readonly #from: Repository;
  readonly #list: Uncopied[] = [];
  readonly #noted = new Set<string>();

  constructor(from: Repository) {
    this.#from = from;
  }

  get all(): readonly Uncopied[] {
    return this.#list;
  }

  /** What is tried again and meets the same is noted once. */
  add(kind: UncopiedKind, name: string, problem: string): void {
    const same = `${kind} ${name} ${problem}`;
    if (this.#noted.has(same)) return;
    this.#noted.add(same);
    this.#list.push({ kind, name, problem });
  }

  /**
   * What `work` gives; undefined when it met something wrong with one object, which is noted, or when `key` is gone from the
   * source since it was listed, which is no fault. `work` reads nothing but the source; `also` are codes of the destination
   * that concern one object. Other errors are thrown: they would meet everything else, too.
   */
  async attempt<Value>(what: Attempt, work: () => Promise<Value>): Promise<Value | undefined> {
    try {
      return await work();
    } catch (error) {
      const { kind, name, key, also = [], onNoted } = what;
      if (!isOfOneObject(error) && !also.some((code) => isDbadminError(error, code))) throw error;
      if (key !== undefined && (await this.#from.store.stat(key)) === undefined) return undefined;
      this.add(kind, name, reasonOf(error));
      onNoted?.();
      return undefined;
    }
  }
}
