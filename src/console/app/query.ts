import { useEffect, useState } from 'preact/hooks';

/** What the query of the page says, by name. */
export type Query = Readonly<Record<string, string>>;

/**
 * The query of the page, in which a screen keeps what is chosen (cluster, tab, filters), so that its address shows the same to
 * somebody else. Setting a name to undefined or '' takes it out. Choices replace each other; `go` makes a step in the history.
 */
export function useQuery(): readonly [Query, (changes: Readonly<Record<string, string | undefined>>) => void] {
  const [search, setSearch] = useState(location.search);
  useEffect(() => {
    const onMove = (): void => setSearch(location.search);
    addEventListener('popstate', onMove);
    return () => removeEventListener('popstate', onMove);
  }, []);
  return [Object.fromEntries(new URLSearchParams(search)), changeQuery];
}

function changeQuery(changes: Readonly<Record<string, string | undefined>>): void {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === '') query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  history.replaceState(history.state, '', `${location.pathname}${text === '' ? '' : `?${text}`}`);
  dispatchEvent(new PopStateEvent('popstate'));
}
