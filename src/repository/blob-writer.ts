import type { BlobIndex } from './blob-index.ts';
import { BlobPipeline, type BlobPipelineOptions, type WrittenBlobs } from './blob-pipeline.ts';
import type { Repository } from './repository.ts';

export type { WrittenBlobs } from './blob-pipeline.ts';

/** A {@link BlobPipeline} into one lineage, for who stores little and wants each name at once. Close it when done. */
export class BlobWriter {
  readonly #pipeline: BlobPipeline;

  constructor(repository: Repository, systemIdentifier: string, known: BlobIndex, options: BlobPipelineOptions = {}) {
    this.#pipeline = new BlobPipeline([{ repository, systemIdentifier, known }], { threads: 1, ...options });
  }

  /** Stores up to 1 MiB of plain bytes and gives their name (64 hex digits), which is before they are durable. */
  async put(plain: Uint8Array): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>();
    await this.#pipeline.put(plain, ([hash = '']) => resolve(hash));
    await this.#pipeline.drain();
    return await promise;
  }

  /** Stores what is left and the index, and makes sure that every pack relied upon is still there. */
  async finish(indexName: string): Promise<WrittenBlobs> {
    const [outcome] = await this.#pipeline.finish(indexName);
    if (outcome?.kind !== 'stored') throw outcome?.error ?? new Error('no outcome');
    return outcome.written;
  }

  async close(): Promise<void> {
    await this.#pipeline.close();
  }
}
