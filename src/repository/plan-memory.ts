/**
 * The arrays that a plan is made of, for one plan after the other. New ones for each would wait for the collector, which
 * comes late for what lies outside of its heap: 4 MB for each gigabyte that is restored.
 */
export class PlanMemory {
  readonly #rooms: ArrayBuffer[] = [];
  #taken = 0;

  /** All arrays that were given may be given again. */
  reuse(): void {
    this.#taken = 0;
  }

  /** What is in it is left over from before. */
  uint32(length: number): Uint32Array {
    return new Uint32Array(this.#room(length * Uint32Array.BYTES_PER_ELEMENT), 0, length);
  }

  /** What is in it is left over from before. */
  float64(length: number): Float64Array {
    return new Float64Array(this.#room(length * Float64Array.BYTES_PER_ELEMENT), 0, length);
  }

  #room(bytes: number): ArrayBuffer {
    const number = this.#taken;
    this.#taken += 1;
    let room = this.#rooms[number];
    if (room === undefined || room.byteLength < bytes) this.#rooms[number] = room = new ArrayBuffer(bytes);
    return room;
  }
}
