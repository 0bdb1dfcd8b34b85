import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Session } from '../../api.ts';
import type { Filters } from './filters.ts';

/** What all panels of the screen go by. */
export interface Listening {
  readonly session: Session;
  readonly filters: Filters;
  readonly cluster: string | undefined;
  readonly change: (changes: Readonly<Record<string, string | undefined>>) => void;
}

export const ListeningContext = createContext<Listening | undefined>(undefined);

export function useListening(): Listening {
  const listening = useContext(ListeningContext);
  if (listening === undefined) throw new Error('outside of the listening screen');
  return listening;
}
