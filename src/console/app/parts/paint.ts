/** Colours as a canvas takes them. */
export interface Paint {
  readonly line: string;
  readonly other: string;
  readonly area: string;
  readonly ink: string;
  readonly quiet: string;
  readonly grid: string;
  readonly font: string;
}

const NAMES = { line: '--accent', other: '--seq-3', area: '--band-soft', ink: '--ink', quiet: '--ink-3', grid: '--line' } as const;

/** What the colours of the page are now. A canvas cannot read a pair of light and dark: an element that wears it can be asked. */
export function paints(within: Element): Paint {
  const probe = document.createElement('span');
  within.append(probe);
  const colour = (name: string): string => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const { fontFamily } = getComputedStyle(probe);
  const found = {
    line: colour(NAMES.line),
    other: colour(NAMES.other),
    area: colour(NAMES.area),
    ink: colour(NAMES.ink),
    quiet: colour(NAMES.quiet),
    grid: colour(NAMES.grid),
    font: `11px ${fontFamily}`,
  };
  probe.remove();
  return found;
}

/** Tells when the page goes from light to dark or back, by its own choice or the system's; until the returned function is called. */
export function onThemeChange(changed: () => void): () => void {
  const system = matchMedia('(prefers-color-scheme: dark)');
  const own = new MutationObserver(changed);
  own.observe(document.documentElement, { attributeFilter: ['data-theme'] });
  system.addEventListener('change', changed);
  return () => {
    own.disconnect();
    system.removeEventListener('change', changed);
  };
}
