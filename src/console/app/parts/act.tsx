import { createContext, type ComponentChildren } from 'preact';
import { useCallback, useContext, useId, useRef, useState } from 'preact/hooks';
import { ActDialog, type ActProps } from './act-dialog.tsx';

interface Opened {
  /** The button it belongs to. */
  readonly button: object;
  readonly key: number;
  /** As they were when it was pressed: what is reviewed does not change under the eyes of whoever reads it. */
  readonly props: ActProps<never>;
  readonly turn: number;
}

type Open = (button: object, props: ActProps<never>) => void;

const OpenContext = createContext<Open>(() => undefined);

/**
 * The dialogs of all buttons of a screen. They stand beside the screen and not in it: what a run changes may take its own
 * button away, and its log is still read then.
 */
export function ActDialogs({
  session,
  isAway,
  children,
}: Pick<ActProps<never>, 'session'> & { readonly isAway: boolean; readonly children: ComponentChildren }) {
  const [opened, setOpened] = useState<readonly Opened[]>([]);
  const count = useRef(0);
  const open = useCallback<Open>((button, props) => {
    count.current += 1;
    const turn = count.current;
    setOpened((before) =>
      before.some((each) => each.button === button)
        ? before.map((each) => (each.button === button ? { ...each, props, turn } : each))
        : [...before, { button, key: turn, props, turn }],
    );
  }, []);
  return (
    <OpenContext.Provider value={open}>
      {children}
      {opened.map(({ button, key, props, turn }) => (
        <ActDialog
          {...props}
          key={key}
          session={session}
          isAway={isAway}
          turn={turn}
          onGone={() => setOpened((before) => before.filter((each) => each.button !== button))}
        />
      ))}
    </OpenContext.Provider>
  );
}

/** A button that opens the plan of an action. */
export function Act<Plan>(props: ActProps<Plan>) {
  const { session, label, isPrimary = false, isReady = true } = props;
  const open = useContext(OpenContext);
  const button = useRef(null);
  const why = useId();
  const canAct = session.role === 'operator';
  return (
    <>
      <button
        type="button"
        class={isPrimary ? 'btn primary' : 'btn'}
        disabled={!canAct || !isReady}
        aria-haspopup="dialog"
        aria-describedby={canAct ? undefined : why}
        onClick={() => open(button, props)}
      >
        {label}…
      </button>
      {canAct ? null : (
        <span id={why} class="vh">
          Needs the role operator
        </span>
      )}
    </>
  );
}
