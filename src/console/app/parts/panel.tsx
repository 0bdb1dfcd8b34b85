import type { ComponentChildren } from 'preact';

interface PanelProps {
  /** Names the heading; unique on the page. */
  readonly id: string;
  readonly title: string;
  readonly aside?: ComponentChildren;
  readonly children: ComponentChildren;
  readonly wide?: string;
}

/** One level of box: a heading with a remark at its right, and what belongs to it. */
export function Panel({ id, title, aside, children, wide = '' }: PanelProps) {
  return (
    <section class={`panel ${wide}`} aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {aside === undefined ? null : <span class="meta">{aside}</span>}
      </header>
      {children}
    </section>
  );
}

/** Status by shape, then word, then colour. */
export function Status({
  kind,
  children,
}: {
  readonly kind: 'ok' | 'warn' | 'bad' | 'run' | 'unproven' | 'off';
  readonly children: ComponentChildren;
}) {
  return <span class={`st ${kind}`}>{children}</span>;
}
