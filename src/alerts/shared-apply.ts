import { isDbadminError, messageOf } from '../base/errors.ts';
import type { ConnectionPool, PoolQueries } from '../postgres/pool.ts';
import { mergeStates, settleOutbox } from './merge.ts';
import type { Queued } from './outbox.ts';
import type { AlertFile } from './state-apply.ts';
import { formatState, NO_ALERTS, parseState, type AlertState, type CopyMark } from './state.ts';
import type { AlertStore, Change } from './store.ts';

/** Whoever tells goes on telling while it looks more often than this; then another takes over. */
const TELLS_MS = 150_000;
/** Of that time so much may go by before we stop sending by ourselves. */
const FENCE_SHARE = 2 / 3;
/** Whoever stood by when the control database went away tells by itself after this: its teller may have gone with it. */
const PATIENCE_MS = 5 * 60_000;

/** The control database, with its table of alerts. */
export interface AlertPlace {
  readonly pool: ConnectionPool;
  readonly schema: string;
}

export interface SharedAlertOptions {
  /** The copy on this machine. */
  readonly file: AlertFile;
  /** What we are called among those who could tell. */
  readonly name: string;
  /** Connects; undefined where nothing is shared. */
  readonly connect: () => Promise<AlertPlace | undefined>;
}

interface Row {
  readonly teller: string | null;
  readonly held: boolean;
  readonly state: string | null;
}

/**
 * The state of alerts in the control database, by which several workers tell as one: one of them at a time, each change of
 * state once, and whoever takes over goes on where the one before ended.
 *
 * Each keeps a copy on its machine. While the control database is away the one that told goes on by its copy at once, and the
 * others after some minutes, each for itself: rather twice than never. When it is back the copies are brought together, so
 * that what was raised by either is over once.
 */
export class SharedAlerts implements AlertStore {
  readonly #options: SharedAlertOptions;
  /** By the monotonic clock. */
  #tellsUntilMs = 0;
  #isAlone = true;
  /** As this process last saw it: several on one machine have one copy. */
  #tells: boolean | undefined;

  constructor(options: SharedAlertOptions) {
    this.#options = options;
  }

  async change(step: (before: AlertState) => AlertState, now: Date): Promise<Change> {
    const { file } = this.#options;
    const local = await file.read();
    const askedMs = performance.now();
    let change: Change | undefined;
    try {
      change = await this.#withPlace(
        async ({ pool, schema }) => await pool.transaction(async (tx) => await takeTurn(tx, schema, local, step, this.#options.name)),
      );
    } catch (error) {
      if (isOfNewer(error)) throw error;
      this.#isAlone = true;
      return await this.#alone(local, step, now, error);
    }
    if (change === undefined) {
      this.#isAlone = true;
      return await file.change(step);
    }
    const tells = change.kind === 'taken';
    this.#isAlone = false;
    this.#tells = tells;
    this.#tellsUntilMs = tells ? askedMs + TELLS_MS * FENCE_SHARE : 0;
    // A copy that cannot be written is told of when it is all there is.
    await file.write({ ...change.state, copy: { isAhead: false, tells, awaySince: null } });
    return change;
  }

  stillTells(): boolean {
    return this.#isAlone || performance.now() < this.#tellsUntilMs;
  }

  async settle(sent: readonly Queued[], left: readonly Queued[], now: Date): Promise<string | undefined> {
    const { file } = this.#options;
    if (this.#isAlone) {
      const local = await file.read();
      const problem = await file.write({ ...local, outbox: settleOutbox(local.outbox, sent, left) });
      return problem ?? (local.copy === undefined ? undefined : keptHere(file));
    }
    try {
      const state = await this.#withPlace(
        async ({ pool, schema }) =>
          await pool.transaction(async (tx) => {
            const { state: shared } = await readRow(tx, schema, 'for update');
            const settled = { ...shared, outbox: settleOutbox(shared.outbox, sent, left) };
            await writeState(tx, schema, settled);
            return settled;
          }),
      );
      if (state !== undefined) return void (await file.write({ ...state, copy: { isAhead: false, tells: true, awaySince: null } }));
    } catch (error) {
      if (isOfNewer(error)) throw error;
    }
    const local = await file.read();
    const copy: CopyMark = { isAhead: true, tells: true, awaySince: now.toISOString() };
    return (await file.write({ ...local, outbox: settleOutbox(local.outbox, sent, left), copy })) ?? keptHere(file);
  }

  /** What stands, without a look; the teller where it is shared, and whether it is still expected to look. */
  async read(): Promise<{ readonly state: AlertState; readonly teller: string | undefined; readonly isShared: boolean }> {
    try {
      const found = await this.#withPlace(async ({ pool, schema }) => await pool.transaction(async (tx) => await readRow(tx, schema, '')));
      if (found !== undefined) return { state: found.state, teller: found.held ? found.teller : undefined, isShared: true };
    } catch (error) {
      if (isOfNewer(error)) throw error;
    }
    return { state: await this.#options.file.read(), teller: undefined, isShared: false };
  }

  /** Lets another tell at once. Never throws: else it does so a little later. */
  async release(): Promise<void> {
    if (this.#tells !== true) return;
    await this.#withPlace(async ({ pool, schema }) => {
      await pool.query(`update ${schema}.alert_state set tells_until = null where teller = $1`, [this.#options.name]);
    }).catch(() => undefined);
  }

  async #withPlace<T>(work: (place: AlertPlace) => Promise<T>): Promise<T | undefined> {
    const place = await this.#options.connect();
    if (place === undefined) return undefined;
    try {
      return await work(place);
    } finally {
      await place.pool.close().catch(() => undefined);
    }
  }

  /** The control database is away. */
  async #alone(local: AlertState, step: (before: AlertState) => AlertState, now: Date, error: unknown): Promise<Change> {
    const { file } = this.#options;
    const { copy } = local;
    // Nothing was ever shared: where no worker runs, the control database is only the one that is looked at.
    if (copy === undefined) return await file.change(step);
    const awaySince = copy.awaySince ?? now.toISOString();
    const tells = this.#tells ?? copy.tells;
    const isPatient = !tells && now.getTime() - Date.parse(awaySince) < PATIENCE_MS;
    if (isPatient) {
      const state = { ...local, copy: { ...copy, awaySince } };
      await file.write(state);
      return { kind: 'standby', state, teller: `another while the control database is away (${messageOf(error)})` };
    }
    const state = { ...step(local), copy: { isAhead: true, tells, awaySince } };
    return { kind: 'taken', state, problem: (await file.write(state)) ?? keptHere(file) };
  }
}

/** Brings the copy in, and takes the step if it is ours to take; all in the caller's transaction. */
async function takeTurn(
  tx: PoolQueries,
  schema: string,
  local: AlertState,
  step: (before: AlertState) => AlertState,
  name: string,
): Promise<Change> {
  const { state: shared, teller, held } = await readRow(tx, schema, 'for update');
  const isAhead = local.copy === undefined ? local.lookedAt !== null : local.copy.isAhead;
  const before = isAhead ? mergeStates(shared, local) : shared;
  if (held && teller !== undefined && teller !== name) {
    if (isAhead) await writeState(tx, schema, before);
    return { kind: 'standby', state: before, teller };
  }
  const state = step(before);
  await writeState(tx, schema, state);
  await tx.query(`update ${schema}.alert_state set teller = $1, tells_until = clock_timestamp() + $2 * interval '1 millisecond'`, [
    name,
    TELLS_MS,
  ]);
  return { kind: 'taken', state, problem: undefined };
}

async function readRow(
  tx: PoolQueries,
  schema: string,
  lock: 'for update' | '',
): Promise<{ readonly state: AlertState; readonly teller: string | undefined; readonly held: boolean }> {
  const [row] = await tx.query<Row>(
    `select teller, coalesce(tells_until > clock_timestamp(), false) as held, state::text from ${schema}.alert_state ${lock}`,
  );
  const state = row?.state === null || row?.state === undefined ? NO_ALERTS : parseState(row.state, `the table ${schema}.alert_state`);
  return { state, teller: row?.teller ?? undefined, held: row?.held === true };
}

async function writeState(tx: PoolQueries, schema: string, { alerts, outbox, lookedAt }: AlertState): Promise<void> {
  await tx.query(`update ${schema}.alert_state set state = $1::jsonb`, [formatState({ alerts, outbox, lookedAt })]);
}

/** What a newer dbadmin has written is not to be told over: that is no matter of a network. */
function isOfNewer(error: unknown): boolean {
  return isDbadminError(error, 'file-unreadable') || isDbadminError(error, 'history-newer');
}

function keptHere({ file }: AlertFile): string {
  return `the control database is away: what was told is kept in ${file} until it is back`;
}
