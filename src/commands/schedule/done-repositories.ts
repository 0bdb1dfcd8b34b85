import type { AttemptOutcome, DoneRepository } from '../../schedule/attempt.ts';

const OPTION = '--repository';

/** The repositories that a command names. */
export function repositoriesOf(words: readonly string[]): readonly string[] {
  return words.flatMap((word, index) => (words[index - 1] === OPTION ? [word] : []));
}

/** The command without the repositories with which an earlier attempt is over; undefined where none is left. */
export function leftOf(words: readonly string[], done: ReadonlySet<string>): readonly string[] | undefined {
  const named = repositoriesOf(words);
  if (!named.some((name) => done.has(name))) return words;
  if (named.every((name) => done.has(name))) return undefined;
  return words.filter((word, index) => {
    const name = word === OPTION ? words[index + 1] : words[index - 1] === OPTION ? word : undefined;
    return name === undefined || !done.has(name);
  });
}

/** Of a command for a single repository, whether that need not be tried again: it is done, or would fail so again. */
export function overWith(words: readonly string[], outcome: AttemptOutcome): readonly DoneRepository[] {
  const [repository, ...more] = repositoriesOf(words);
  if (repository === undefined || more.length > 0) return [];
  if (outcome.kind === 'succeeded') return [{ repository, ...(outcome.warning === undefined ? {} : { warning: outcome.warning }) }];
  if (outcome.kind !== 'failed' || !outcome.final) return [];
  const { exitStatus, error } = outcome;
  return [{ repository, failure: { error, ...(exitStatus === undefined ? {} : { exitStatus }) } }];
}

/** How an earlier attempt was over with a repository. */
export function outcomeIn({ warning, failure }: DoneRepository): AttemptOutcome {
  if (failure !== undefined) return { kind: 'failed', exitStatus: failure.exitStatus, error: failure.error, final: true };
  return { kind: 'succeeded', ...(warning === undefined ? {} : { warning }) };
}

/** What a command of ours tells whoever started it; nothing of what else may come that way. */
export function readDone(message: unknown): readonly DoneRepository[] {
  const done: unknown = typeof message === 'object' && message !== null && 'done' in message ? message.done : undefined;
  if (!Array.isArray(done)) return [];
  return done.flatMap((each: unknown): readonly DoneRepository[] => {
    if (typeof each !== 'object' || each === null || !('repository' in each) || typeof each.repository !== 'string') return [];
    const warning = 'warning' in each && typeof each.warning === 'string' ? { warning: each.warning } : {};
    return [{ repository: each.repository, ...warning }];
  });
}
