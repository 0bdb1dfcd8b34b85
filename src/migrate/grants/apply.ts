import type { Log } from '../../base/log.ts';
import type { RunObserver } from '../hooks.ts';
import type { Statement } from '../files/migration.ts';
import type { Queryable } from '../session/session.ts';
import { findGone, findMadeAnew, readGrants, readRoleNames } from './inspect.ts';
import { droppedNames, mayCreate, ownerSql, planGivingBack, type ObjectGrants } from './plan.ts';

/**
 * Remembers, for one run, what dropped tables, views, sequences and routines carried, and gives it to those that take their
 * place: privileges, owner, comments, right after the statement that makes them, so that a GRANT or REVOKE that follows has the
 * last word. Within a file with a transaction it is in that transaction.
 *
 * What is remembered is not in the database: when a run ends between the drop and the creation, it is forgotten.
 */
export class GrantKeeper {
  readonly #log: Log;
  readonly #lost = new Map<string, ObjectGrants>();
  readonly #given = new Set<string>();
  #before: readonly ObjectGrants[] = [];
  #sawAll = false;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Before something is dropped: objects of these names, or all of them. */
  async look(session: Queryable, names: readonly string[] | undefined): Promise<void> {
    if (names === undefined && this.#sawAll) return;
    this.#before = await readGrants(session, names);
    this.#sawAll = names === undefined;
  }

  /** Something else than a drop ran: what was seen of everything may be another by now. */
  forget(): void {
    this.#before = [];
    this.#sawAll = false;
  }

  /** Whether something is remembered that a statement could drop or make anew. */
  get watches(): boolean {
    return this.#before.length > 0 || this.#lost.size > 0;
  }

  /** After it: what is gone is remembered. */
  async noteGone(session: Queryable): Promise<void> {
    if (this.#before.length === 0) return;
    const gone = new Set(await findGone(session, this.#before));
    for (const each of gone) this.#lost.set(keyOf(each), each);
    // Dropping is often done in a row, and everything takes long to look at where there is much.
    if (this.#sawAll) this.#before = this.#before.filter((each) => !gone.has(each));
    else this.#before = [];
  }

  /** A dropped routine whose place another one takes, with other arguments. */
  async replacedBy(session: Queryable, oldIdentity: string, newIdentity: string): Promise<void> {
    const lost = this.#lost.get(`routine ${oldIdentity}`);
    if (lost === undefined) return;
    await this.#give(session, { ...lost, identity: newIdentity });
  }

  /** After something may have been made. */
  async giveBack(session: Queryable): Promise<void> {
    if (this.#lost.size === 0) return;
    for (const made of await findMadeAnew(session, [...this.#lost.values()])) {
      const lost = this.#lost.get(keyOf(made));
      if (lost !== undefined) await this.#give(session, lost);
    }
  }

  async #give(session: Queryable, lost: ObjectGrants): Promise<void> {
    const made = await this.#find(session, lost);
    // By oid: when another session's lock ends this attempt, the next one makes another.
    if (made === undefined || this.#given.has(`${made.class} ${made.oid}`)) return;
    this.#given.add(`${made.class} ${made.oid}`);
    const owner = ownerSql(lost, made);
    if (owner !== undefined) await session.query(owner);
    const now = owner === undefined ? made : ((await this.#find(session, lost)) ?? made);
    const { statements, said, gone } = planGivingBack(lost, now, await readRoleNames(session));
    if (statements.length > 0) await session.query(statements.join(';\n'));
    const words = [...(now.owner === made.owner ? [] : [`owner ${now.owner}`]), ...said];
    if (words.length > 0) this.#log.info(`${now.identity} was made anew; given back: ${words.join(', ')}`);
    if (gone.length > 0) this.#log.warn(`${now.identity}: what ${gone.join(', ')} had cannot be given back, as the role is gone`);
  }

  async #find(session: Queryable, lost: ObjectGrants): Promise<ObjectGrants | undefined> {
    return (await findMadeAnew(session, [lost]))[0];
  }
}

function keyOf(object: ObjectGrants): string {
  return `${object.class} ${object.identity}`;
}

/** The keeper at work in a run. */
export function keepingGrants(keeper: GrantKeeper): RunObserver {
  return {
    begun: async () => await Promise.resolve(keeper.forget()),
    beforeStatement: async ({ session, statement }) => {
      const names = droppedNames(statement);
      if (!isDrop(statement)) keeper.forget();
      if (names !== undefined) await keeper.look(session, names === 'any' ? undefined : names);
    },
    looksAfter: () => keeper.watches,
    afterStatement: async ({ session, statement }) => {
      await keeper.noteGone(session);
      if (!isDrop(statement)) keeper.forget();
      if (mayCreate(statement)) await keeper.giveBack(session);
    },
  };
}

function isDrop({ kind }: Statement): boolean {
  return kind.command.startsWith('DROP ');
}
