import { WalArchive } from '../../repository/wal-archive.ts';

/** An archive that knows whether its storage owes an answer: what was received meanwhile waits for the storage, not for the server. */
export class WatchedArchive extends WalArchive {
  #owed = 0;

  get isAtWork(): boolean {
    return this.#owed > 0;
  }

  override async putSegment(...given: Parameters<WalArchive['putSegment']>): ReturnType<WalArchive['putSegment']> {
    return await this.#watch(super.putSegment(...given));
  }

  override async putPart(...given: Parameters<WalArchive['putPart']>): ReturnType<WalArchive['putPart']> {
    await this.#watch(super.putPart(...given));
  }

  override async dropParts(...given: Parameters<WalArchive['dropParts']>): ReturnType<WalArchive['dropParts']> {
    await this.#watch(super.dropParts(...given));
  }

  override async putHorizon(...given: Parameters<WalArchive['putHorizon']>): ReturnType<WalArchive['putHorizon']> {
    await this.#watch(super.putHorizon(...given));
  }

  override async putHistory(...given: Parameters<WalArchive['putHistory']>): ReturnType<WalArchive['putHistory']> {
    return await this.#watch(super.putHistory(...given));
  }

  async #watch<Value>(work: Promise<Value>): Promise<Value> {
    this.#owed += 1;
    try {
      return await work;
    } finally {
      this.#owed -= 1;
    }
  }
}
