import { html, Markup } from './html.ts';

/** A colour on a light and on a dark ground. */
export type ColourPair = readonly [light: string, dark: string];

/**
 * The colours of the pages dbadmin writes. Text (`ink`, `ink-2`, `ink-3`, `accent`) reaches 4.5:1 on every ground, and marks
 * (`mark-*`, `line-strong` beside them) 3:1 on `surface`: a test holds them to it.
 */
export const PALETTE = {
  bg: ['#f7f7f5', '#101113'],
  surface: ['#ffffff', '#17181b'],
  sunken: ['#f2f2ef', '#0d0e10'],
  line: ['#e3e3de', '#2a2c31'],
  'line-strong': ['#c6c6bf', '#41444b'],
  ink: ['#1a1b1e', '#e9e9e7'],
  'ink-2': ['#4d4f55', '#b3b6bc'],
  'ink-3': ['#666970', '#92969e'],
  accent: ['#2c52c4', '#93abff'],
  'accent-soft': ['#e9eefc', '#1d2643'],
  'seq-0': ['#f2f2ef', '#1c1e22'],
  'seq-1': ['#dfe6fa', '#222b49'],
  'seq-2': ['#bdcbf4', '#2c3c70'],
  'seq-3': ['#92a9ea', '#3d549e'],
  'seq-4': ['#5f7ddb', '#607bd2'],
  'seq-5': ['#2c52c4', '#93abff'],
  up: ['#18773f', '#52c68d'],
  down: ['#bd2528', '#ff827a'],
} as const satisfies Record<string, ColourPair>;

const BASE_STYLE = `
*, *::before, *::after { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--ink); font: 400 0.875rem/1.5 -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", system-ui, sans-serif; font-variant-numeric: tabular-nums; -webkit-text-size-adjust: 100%; }
h1, h2, h3, p, dl, dd, ul, ol, figure, figcaption { margin: 0; padding: 0; }
ul, ol { list-style: none; }
h1 { font-size: 1.5rem; font-weight: 600; letter-spacing: -0.015em; line-height: 1.25; }
h2 { font-size: 1.125rem; font-weight: 600; letter-spacing: -0.01em; }
h3 { font-size: 0.875rem; font-weight: 600; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
code { font-family: ui-monospace, "SF Mono", "Cascadia Mono", "Liberation Mono", "DejaVu Sans Mono", monospace; font-size: 0.9em; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; font-size: 0.8125rem; }
th, td { padding: 5px 8px; text-align: left; vertical-align: baseline; border-top: 1px solid var(--line); font-weight: 400; }
thead th { border-top: 0; color: var(--ink-3); font-size: 0.75rem; }
.num { text-align: right; white-space: nowrap; }
.quiet { color: var(--ink-3); font-size: 0.8125rem; }
.skip { position: absolute; left: 8px; top: -80px; background: var(--surface); padding: 8px 12px; }
.skip:focus { top: 8px; }
@media print { body { background: none; } .skip { display: none; } }
`;

/**
 * A whole page that asks for nothing: style within, no script, and a policy that lets the browser fetch nothing at all.
 * Pictures are data: addresses.
 */
export function selfContainedPage(page: { readonly title: string; readonly style: string; readonly body: Markup }): string {
  const policy = `default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'`;
  const style = `${colours()}${BASE_STYLE}${page.style}`;
  const whole = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${new Markup(policy)}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="referrer" content="no-referrer" />
        <title>${page.title}</title>
        <style>
          ${new Markup(style)}
        </style>
      </head>
      <body>
        ${page.body}
      </body>
    </html> `.text;
  // Blanks at line ends and beginnings say nothing in HTML; a page of thousands of rows has megabytes of them.
  return `${whole.replaceAll(/\s*\n\s*/g, '\n').trim()}\n`;
}

/** Light first, dark where the reader's system says so. */
function colours(): string {
  const side = (at: 0 | 1): string =>
    Object.entries(PALETTE)
      .map(([name, pair]) => `--${name}: ${pair[at]};`)
      .join(' ');
  return `
:root { color-scheme: light dark; ${side(0)} }
@media (prefers-color-scheme: dark) { :root { ${side(1)} } }
@media print { :root { ${side(0)} } }`;
}
