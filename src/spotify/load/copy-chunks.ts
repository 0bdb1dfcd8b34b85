const CHUNK_BYTES = 262_144;
/** Magic, flags, and the length of a header extension, which there is none of. */
const FILE_HEADER = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const FILE_END = Buffer.from([0xff, 0xff]);

/** The bytes of COPY's binary format, in buffers of about {@link CHUNK_BYTES}: few large writes instead of many small ones. */
export class CopyChunks {
  #buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  #used = FILE_HEADER.copy(this.#buffer);
  #full: Buffer[] = [];

  /** Where the next `bytes` bytes go. All of them have to be written. */
  room(bytes: number): { readonly buffer: Buffer; readonly at: number } {
    if (this.#used + bytes > this.#buffer.length) {
      this.#full.push(this.#buffer.subarray(0, this.#used));
      this.#buffer = Buffer.allocUnsafe(Math.max(CHUNK_BYTES, bytes));
      this.#used = 0;
    }
    const at = this.#used;
    this.#used += bytes;
    return { buffer: this.#buffer, at };
  }

  /** The buffers that are full; with `all` the last one too, and the end of the data. */
  take(all: boolean): readonly Buffer[] {
    if (all) {
      const { buffer, at } = this.room(FILE_END.length);
      FILE_END.copy(buffer, at);
      this.#full.push(this.#buffer.subarray(0, this.#used));
      this.#used = 0;
    }
    const full = this.#full;
    this.#full = [];
    return full;
  }
}
