const HASH_BYTES = 32;
const ENTRY_BYTES = 2 * HASH_BYTES;
const FIRST_CAPACITY = 1 << 12;
const MAX_LOAD = 0.7;

/** What the blobs of one repository are called in another whose key differs: 64 bytes for each, and room to grow. */
export class Renames {
  #entries = Buffer.alloc(FIRST_CAPACITY * ENTRY_BYTES);
  #used = new Uint8Array(FIRST_CAPACITY);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Both are 64 hex digits. */
  set(from: string, to: string): void {
    const name = Buffer.from(from, 'hex');
    const slot = this.#slotOf(name);
    if (this.#used[slot] === 0) {
      this.#used[slot] = 1;
      this.#size += 1;
      this.#entries.set(name, slot * ENTRY_BYTES);
    }
    this.#entries.write(to, slot * ENTRY_BYTES + HASH_BYTES, 'hex');
    if (this.#size > this.#used.length * MAX_LOAD) this.#grow();
  }

  /** The name in the other repository, or undefined when it is not known. */
  get(from: string): string | undefined {
    const slot = this.#slotOf(Buffer.from(from, 'hex'));
    return this.#used[slot] === 0 ? undefined : this.#entries.toString('hex', slot * ENTRY_BYTES + HASH_BYTES, (slot + 1) * ENTRY_BYTES);
  }

  /** Names are hashes: any of their bytes place them evenly. */
  #slotOf(name: Buffer): number {
    const mask = this.#used.length - 1;
    for (let slot = name.readUInt32LE(0) & mask; ; slot = (slot + 1) & mask) {
      if (this.#used[slot] === 0 || this.#entries.compare(name, 0, HASH_BYTES, slot * ENTRY_BYTES, slot * ENTRY_BYTES + HASH_BYTES) === 0)
        return slot;
    }
  }

  #grow(): void {
    const [entries, used] = [this.#entries, this.#used];
    this.#entries = Buffer.alloc(entries.byteLength * 2);
    this.#used = new Uint8Array(used.length * 2);
    for (const [index, isUsed] of used.entries()) {
      if (isUsed === 0) continue;
      const entry = entries.subarray(index * ENTRY_BYTES, (index + 1) * ENTRY_BYTES);
      const slot = this.#slotOf(entry.subarray(0, HASH_BYTES));
      this.#used[slot] = 1;
      this.#entries.set(entry, slot * ENTRY_BYTES);
    }
  }
}
