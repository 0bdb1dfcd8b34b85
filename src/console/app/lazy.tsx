import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Failed, Loading } from './parts/states.tsx';
import type { ScreenProps } from './screen.ts';

/** A screen whose code is fetched when somebody first goes there: `lazy('backups', async () => (await import('./backups.tsx')).Backups)`. */
export function lazy(what: string, load: () => Promise<ComponentType<ScreenProps>>): ComponentType<ScreenProps> {
  let loaded: ComponentType<ScreenProps> | undefined;
  return function LazyScreen(props: ScreenProps) {
    const [, setTurn] = useState(0);
    const [hasFailed, setFailed] = useState(false);
    const fetchIt = (): void => {
      setFailed(false);
      load().then(
        (screen) => {
          loaded = screen;
          setTurn((turn) => turn + 1);
        },
        () => setFailed(true),
      );
    };
    useEffect(() => void (loaded ?? fetchIt()), []);
    if (loaded !== undefined) {
      const Loaded = loaded;
      return <Loaded {...props} />;
    }
    if (!hasFailed) return <Loading what={what} />;
    // A console that was replaced by a newer one has other files: then the page itself is old.
    const failure = {
      code: 'connection-failed',
      message: `the screen for ${what} could not be loaded`,
      hint: 'If trying again does not help, load the page again.',
    };
    return <Failed failure={failure} again={fetchIt} />;
  };
}
