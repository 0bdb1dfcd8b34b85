import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../src/base/clock.ts';
import { isDbadminError } from '../../src/base/errors.ts';
import type { ObjectStore, StoredObject } from '../../src/storage/store.ts';

/** What a crashed process gets from every further call. */
export class Crashed extends Error {}

interface Call {
  readonly actor: Actor;
  go(): Promise<void>;
}

interface Actor {
  isCrashed: boolean;
  isPaused: boolean;
}

/** Several processes on one store, one storage call at a time, in an order that `random` (0 to 1) decides. */
export class Interleaving {
  readonly failures: unknown[] = [];
  readonly #random: () => number;
  readonly #actors = new Set<Actor>();
  #calls: Call[] = [];

  constructor(random: () => number) {
    this.#random = random;
  }

  /** How many have neither ended nor crashed. */
  get running(): number {
    return this.#actors.size;
  }

  /** A process with a store and a clock of its own, onto the same objects and the same time. */
  actor(store: ObjectStore, clock: Clock): { readonly store: ObjectStore; readonly clock: Clock; run(work: Promise<unknown>): void } {
    const actor: Actor = { isCrashed: false, isPaused: false };
    return {
      store: this.#gated(store, actor),
      clock: {
        now: () => clock.now(),
        // Who has crashed sleeps for ever.
        sleep: async (delayMs, signal) => await (actor.isCrashed ? new Promise(() => undefined) : clock.sleep(delayMs, signal)),
      },
      run: (work) => {
        this.#actors.add(actor);
        work.then(
          () => this.#actors.delete(actor),
          (error: unknown) => {
            this.#actors.delete(actor);
            if (!actor.isCrashed || isDbadminError(error)) this.failures.push(error);
          },
        );
      },
    };
  }

  /** Kills one: its calls fail, and it is forgotten. */
  crashOne(): boolean {
    const actor = this.#pick([...this.#actors]);
    if (actor === undefined) return false;
    actor.isCrashed = true;
    this.#actors.delete(actor);
    for (const call of this.#calls.filter((each) => each.actor === actor)) void call.go();
    this.#calls = this.#calls.filter((each) => each.actor !== actor);
    return true;
  }

  /** Suspends one, its renewals with it. */
  pauseOne(): void {
    const actor = this.#pick([...this.#actors]);
    if (actor !== undefined) actor.isPaused = true;
  }

  resumeAll(): void {
    for (const actor of this.#actors) actor.isPaused = false;
  }

  /** Lets one call happen; false when nobody has one to make. */
  async step(): Promise<boolean> {
    for (let turn = 0; turn < 2; turn += 1) await nextTurn();
    const call = this.#pick(this.#calls.filter(({ actor }) => !actor.isPaused));
    if (call === undefined) return false;
    this.#calls = this.#calls.filter((each) => each !== call);
    await call.go();
    return true;
  }

  #pick<Value>(from: readonly Value[]): Value | undefined {
    return from[Math.floor(this.#random() * from.length)];
  }

  #gated(store: ObjectStore, actor: Actor): ObjectStore {
    const gate = async <Value>(work: () => Promise<Value>): Promise<Value> => {
      if (actor.isCrashed) throw new Crashed('crashed');
      return await new Promise<Value>((resolve, reject) => {
        const go = async (): Promise<void> => {
          if (actor.isCrashed) reject(new Crashed('crashed'));
          else await work().then(resolve, reject);
        };
        this.#calls.push({ actor, go });
      });
    };
    return {
      description: store.description,
      capabilities: store.capabilities,
      extendLock: async (key, until) => await gate(async () => await store.extendLock(key, until)),
      lockSupport: async () => await store.lockSupport(),
      erase: async (prefix) => await gate(async () => await store.erase(prefix)),
      removeUnfinished: async (...given) => await gate(async () => await store.removeUnfinished(...given)),
      freeBytes: async () => await store.freeBytes(),
      probe: async () => await gate(async () => await store.probe()),
      close: async () => await store.close(),
      create: async (key, body) => await gate(async () => await store.create(key, body)),
      read: async (key) => await gate(async () => await store.read(key)),
      readRange: async (key, offset, length) => await gate(async () => await store.readRange(key, offset, length)),
      readStream: async function* readStream(key) {
        yield await gate(async () => await store.read(key));
      },
      stat: async (key) => await gate(async () => await store.stat(key)),
      list: async function* list(prefix) {
        yield* await gate(async () => {
          const objects: StoredObject[] = [];
          for await (const object of store.list(prefix)) objects.push(object);
          return objects;
        });
      },
      delete: async (key) => await gate(async () => await store.delete(key)),
    };
  }
}
