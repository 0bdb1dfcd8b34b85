import type { RunObserver } from './hooks.ts';

/** Several observers as one. The first is outermost: before a statement it comes first, after it last. */
export function joinObservers(observers: readonly (RunObserver | undefined)[]): RunObserver {
  const inward = observers.filter((each) => each !== undefined);
  const outward = inward.toReversed();
  return {
    begun: async (file) => {
      for (const each of inward) await each.begun?.(file);
    },
    beforeStatement: async (at) => {
      for (const each of inward) await each.beforeStatement?.(at);
    },
    afterStatement: async (at) => {
      for (const each of outward) await each.afterStatement?.(at);
    },
    looksAfter: (at) => inward.some((each) => each.afterStatement !== undefined && each.looksAfter?.(at) !== false),
    beforeCommit: (file) => {
      let looking: Promise<void> | undefined;
      for (const each of outward) {
        looking = looking === undefined ? each.beforeCommit?.(file) : looking.then(async () => await each.beforeCommit?.(file));
      }
      return looking;
    },
    applied: async (file) => {
      for (const each of outward) await each.applied?.(file);
    },
  };
}
