/** What a trigger does, as seen by a statement with it and without it. */
export interface Effect {
  /** What is done; the first column of its last row, or the SQLSTATE of its failure, is what is seen. */
  readonly act: string;
  readonly seen: string;
  readonly seenWithout: string;
}
