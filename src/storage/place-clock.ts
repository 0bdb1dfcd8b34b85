import type { StoreCapabilities } from './store.ts';

/** Answers tell their time in whole seconds, and are on their way for some: what is less than this says nothing of a clock. */
const LEAST_APART_MS = 10_000;

/** What `now`, of this machine's clock, is by that of a store's place, as far as it tells: locks end by that, however wrong this one is. */
export function placeNow({ capabilities }: { readonly capabilities: StoreCapabilities }, now: Date): Date {
  const aheadMs = capabilities.clockAheadMs?.() ?? 0;
  return Math.abs(aheadMs) < LEAST_APART_MS ? now : new Date(now.getTime() + aheadMs);
}
