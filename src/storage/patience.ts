import { AsyncLocalStorage } from 'node:async_hooks';

const hasty = new AsyncLocalStorage<true>();

/**
 * Runs `work`, none of whose calls of a store, through whatever decorators, waits minutes for a server that is away: each gets the few
 * attempts that every call gets. For what comes again soon by itself, or is not missed.
 */
export async function withoutPatience<Value>(work: () => Promise<Value>): Promise<Value> {
  return await hasty.run(true, work);
}

/** Whether what runs now may wait for minutes. */
export function hasPatience(): boolean {
  return hasty.getStore() === undefined;
}
