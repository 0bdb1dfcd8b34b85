/**
 * How a role comes to have a privilege, weakest first; of several ways the last one here is the one that is told.
 *
 * `-` not at all · `c` on some of the columns · `t` only after SET ROLE · `p` PUBLIC has it · `d` through one of the server's
 * roles, such as pg_read_all_data · `i` inherited · `s` superuser · `g` granted to the role itself · `o` owner.
 */
export const MARKS = ['-', 'c', 't', 'p', 'd', 'i', 's', 'g', 'o'] as const;
export type Mark = (typeof MARKS)[number];

export const RANK = Object.fromEntries(MARKS.map((mark, rank) => [mark, rank])) as Readonly<Record<Mark, number>>;

/** From here on the privilege is there at once, as the server's has_…_privilege functions answer. */
export const FIRST_HELD = RANK.p;

/** Behind the marks: of no use, for USAGE on the schema is missing; rows as the policies of the table allow. */
export const NO_USAGE = '!';
export const ROW_POLICIES = '~';

const BITS = 4;
const NO_USAGE_BIT = 1;
const ROW_POLICIES_BIT = 2;

/** What each role may do with one object: a mark for each privilege, up to eight of them, and what goes with all of them. */
export class MarkedCells {
  readonly #marks: Uint32Array;
  readonly #grantable: Uint8Array;
  readonly #held: Uint8Array;
  readonly #flags: Uint8Array;

  constructor(roles: number) {
    this.#marks = new Uint32Array(roles);
    this.#grantable = new Uint8Array(roles);
    this.#held = new Uint8Array(roles);
    this.#flags = new Uint8Array(roles);
  }

  /** `place` is that of the privilege. A weaker mark does not undo a stronger one. */
  raise(role: number, place: number, rank: number): void {
    const shift = place * BITS;
    const before = this.#marks[role] ?? 0;
    if (((before >>> shift) & 15) >= rank) return;
    this.#marks[role] = (before & ~(15 << shift)) | (rank << shift);
    if (rank >= FIRST_HELD) this.#held[role] = (this.#held[role] ?? 0) | (1 << place);
  }

  allowGrant(role: number, place: number): void {
    this.#grantable[role] = (this.#grantable[role] ?? 0) | (1 << place);
  }

  lackUsage(role: number): void {
    this.#flags[role] = (this.#flags[role] ?? 0) | NO_USAGE_BIT;
  }

  followPolicies(role: number): void {
    this.#flags[role] = (this.#flags[role] ?? 0) | ROW_POLICIES_BIT;
  }

  /** The privileges that are there at once, a bit each. */
  held(role: number): number {
    return this.#held[role] ?? 0;
  }

  /** A number that is equal for equal cells of equal kinds only. */
  key(role: number, places: number): number {
    const high = (this.#grantable[role] ?? 0) + (this.#flags[role] ?? 0) * 2 ** 8 + places * 2 ** 10;
    return (this.#marks[role] ?? 0) + high * 2 ** 32;
  }

  /** A character for each privilege, a capital where it may be granted on, and then the flags. */
  text(role: number, places: number): string {
    const marks = this.#marks[role] ?? 0;
    let text = '';
    for (let place = 0; place < places; place += 1) {
      const rank = (marks >>> (place * BITS)) & 15;
      const mark = MARKS[rank] ?? '-';
      const isGrantable = rank >= FIRST_HELD && ((this.#grantable[role] ?? 0) & (1 << place)) !== 0;
      text += isGrantable ? mark.toUpperCase() : mark;
    }
    const flags = this.#flags[role] ?? 0;
    return `${text}${(flags & NO_USAGE_BIT) === 0 ? '' : NO_USAGE}${(flags & ROW_POLICIES_BIT) === 0 ? '' : ROW_POLICIES}`;
  }
}

/** Cells by number: of millions of them only a few hundred differ. */
export class CellTexts {
  readonly #numbers = new Map<number, number>();
  readonly #texts: string[] = [];
  readonly #known = new Map<string, number>();
  #lastKey = -1;
  #lastNumber = -1;

  /** The number of a cell. */
  numberOf(cells: MarkedCells, role: number, places: number): number {
    const key = cells.key(role, places);
    // Most roles can do with an object what the one beside them can: nothing.
    if (key === this.#lastKey) return this.#lastNumber;
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.numberOfText(cells.text(role, places));
      this.#numbers.set(key, number);
    }
    this.#lastKey = key;
    this.#lastNumber = number;
    return number;
  }

  /** Kinds with as many privileges share their texts. */
  numberOfText(text: string): number {
    const before = this.#known.get(text);
    if (before !== undefined) return before;
    this.#known.set(text, this.#texts.length);
    return this.#texts.push(text) - 1;
  }

  list(): readonly string[] {
    return this.#texts;
  }
}
