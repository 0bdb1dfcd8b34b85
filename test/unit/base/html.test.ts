import { describe, expect, it } from 'vitest';
import { escapeHtml, html, joined, visibleText } from '../../../src/base/html.ts';
import { PALETTE, selfContainedPage } from '../../../src/base/html-page.ts';

describe('html', () => {
  it('escapes what is put in, between tags and in attributes, but markup', () => {
    const evil = `</svg><script>alert("1")</script>' onload=x &amp;`;
    expect(html`<b title="${evil}">${evil}</b>`.text).toBe(`<b title="${escapeHtml(evil)}">${escapeHtml(evil)}</b>`);
    expect(escapeHtml(evil)).not.toMatch(/[<>"']/);
    expect(html`<p>${html`<i>${'<'}</i>`}${[html`<b></b>`, undefined, 3]}</p>`.text).toBe('<p><i>&lt;</i><b></b>3</p>');
    expect(joined([html`<a></a>`, html`<b></b>`]).text).toBe('<a></a>\n<b></b>');
  });

  it('shows what cannot be seen, and leaves letters of every script alone', () => {
    expect(visibleText('a\u0000b\u202Ec\u2066d\u001B[1me\uD800')).toBe('a\uFFFDb\uFFFDc\uFFFDd\uFFFD[1me\uFFFD');
    expect(visibleText('Ünïcode שלום 音楽 👩‍🎤\n\t')).toBe('Ünïcode שלום 音楽 👩‍🎤\n\t');
  });
});

describe('the page', () => {
  it('lets the browser fetch nothing', () => {
    const page = selfContainedPage({ title: '<x>', style: '', body: html`<p>y</p>` });
    expect(page).toMatch(/^<!doctype html>/);
    expect(page).toContain(
      `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:;`,
    );
    expect(page).toContain('<title>&lt;x&gt;</title>');
  });

  const grounds = ['bg', 'surface', 'sunken'] as const;
  it.for(['ink', 'ink-2', 'ink-3', 'accent', 'up', 'down'] as const)('%s reaches 4.5:1 on every ground, light and dark', (name) => {
    for (const ground of grounds) {
      for (const side of [0, 1] as const) {
        expect(contrast(PALETTE[name][side], PALETTE[ground][side]), `${name} on ${ground}`).toBeGreaterThanOrEqual(4.5);
      }
    }
  });

  it('bars and lines reach 3:1 on the panel they stand on', () => {
    for (const name of ['seq-4', 'seq-5', 'accent'] as const) {
      for (const side of [0, 1] as const) expect(contrast(PALETTE[name][side], PALETTE.surface[side]), name).toBeGreaterThanOrEqual(3);
    }
  });
});

/** @see https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio */
function contrast(one: string, other: string): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.040_45 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
