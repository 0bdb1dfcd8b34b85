import { useEffect, useRef, useState } from 'preact/hooks';
import { failureOf, send, type Failure } from './api.ts';
import { isAway, useReturns } from './presence.ts';

/** What a command of the console said. */
export interface Answer<Document> {
  readonly document: Document;
  /** As it can be typed: `dbadmin backup info --cluster main --json`. */
  readonly command: string;
  /** ISO 8601: how old the figures are. */
  readonly askedAt: string;
  readonly tookMs: number;
  /** Of an answer from before this was asked: so long the console gives no other. */
  readonly freshForMs?: number;
  readonly exitStatus: number;
  /** What the command said beside its document: notes and warnings. */
  readonly notes: readonly string[];
}

export interface Answered<Document> {
  /** The last answer; older than the screen when `failure` is there, too. */
  readonly answer: Answer<Document> | undefined;
  readonly failure: Failure | undefined;
  readonly isLoading: boolean;
  /** Asks anew, now. */
  readonly again: () => void;
}

/** Values of a question; what is undefined or empty is left out, several of one name are an array. */
export type Values = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface AskOptions {
  /** Asks again so long after each answer, while the page is seen. */
  readonly everyMs?: number;
  /** While another question is asked, the answer to the one before stays: for a slider, a filter. Its values are then not those shown. */
  readonly keepsOld?: boolean;
}

/** Answers of this page, so that a screen that was there before shows what it had, with its age, while it asks anew. */
const KEPT = new Map<string, Answer<unknown>>();
const MOST_KEPT = 60;
/** Beyond what the console says: its timer and ours are not the same. */
const SLACK_MS = 50;

/** Nobody else who signs in here shall see them. */
export function forgetAnswers(): void {
  KEPT.clear();
}

/**
 * Asks the console a question of src/commands/console/questions: `useAnswer<BackupInfo>('backups/info', { cluster })`.
 * Without a name nothing is asked. Asks anew when name or values change.
 */
export function useAnswer<Document>(name: string | undefined, values: Values = {}, options: AskOptions = {}): Answered<Document> {
  const { everyMs, keepsOld = false } = options;
  const address = name === undefined ? undefined : addressOf(name, values);
  const [state, setState] = useState<State<Document>>(() => startOf(address));
  const [turn, setTurn] = useState(0);
  const returns = useReturns();
  const latest = useRef(address);
  latest.current = address;
  useEffect(() => {
    if (address === undefined) return undefined;
    const gone = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    setState((before) =>
      before.address === address
        ? { ...before, isLoading: true }
        : { ...startOf<Document>(address), ...(keepsOld ? keptOf(before, address) : {}) },
    );
    const askNow = async (): Promise<void> => {
      let waitMs = everyMs;
      try {
        const answer = await send<Answer<Document>>(address, { signal: gone.signal });
        keep(address, answer);
        // What was done meanwhile, perhaps by the action that this follows, is not in it.
        if (answer.freshForMs !== undefined) waitMs = Math.min(waitMs ?? Infinity, answer.freshForMs + SLACK_MS);
        if (!gone.signal.aborted) setState({ address, answer, failure: undefined, isLoading: false });
      } catch (error) {
        const failure = failureOf(error);
        // The page goes to its door; this is asked anew when somebody is back.
        if (failure.code === 'sign-in-needed') return;
        // What was known before still stands, with its age.
        if (!gone.signal.aborted) setState((before) => ({ ...before, address, failure, isLoading: false }));
      }
      if (waitMs !== undefined && !gone.signal.aborted) timer = setTimeout(next, waitMs);
    };
    const next = (): void => {
      timer = undefined;
      if (isAway()) return;
      // A page that nobody sees asks nothing; when it is seen again, at once.
      if (document.hidden) document.addEventListener('visibilitychange', next, { once: true, signal: gone.signal });
      else void askNow();
    };
    void askNow();
    return () => {
      gone.abort();
      clearTimeout(timer);
    };
  }, [address, everyMs, turn, returns]);
  const isCurrent = state.address === address || (keepsOld && address !== undefined);
  const { answer, failure, isLoading } = isCurrent ? state : startOf<Document>(address);
  return {
    answer,
    failure,
    isLoading: isLoading || (address !== undefined && state.address !== address),
    again: () => setTurn((before) => before + 1),
  };
}

interface State<Document> extends Omit<Answered<Document>, 'again'> {
  readonly address: string | undefined;
}

function startOf<Document>(address: string | undefined): State<Document> {
  const kept = address === undefined ? undefined : (KEPT.get(address) as Answer<Document> | undefined);
  return { address, answer: kept, failure: undefined, isLoading: address !== undefined };
}

function keptOf<Document>({ answer }: State<Document>, address: string): Partial<State<Document>> {
  return KEPT.has(address) || answer === undefined ? {} : { answer };
}

function keep(address: string, answer: Answer<unknown>): void {
  KEPT.delete(address);
  KEPT.set(address, answer);
  const [oldest] = KEPT.keys();
  if (KEPT.size > MOST_KEPT && oldest !== undefined) KEPT.delete(oldest);
}

function addressOf(name: string, values: Values): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(values)) {
    for (const each of typeof value === 'string' ? [value] : (value ?? [])) if (each !== '') query.append(key, each);
  }
  const text = query.toString();
  return `/api/ask/${name}${text === '' ? '' : `?${text}`}`;
}
