const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Markup that may stand in a page as it is. Made by {@link html}, so that nothing gets there unescaped by oversight. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Embedded = Markup | string | number | undefined | readonly Embedded[];

/**
 * Markup from a template: what is put in is escaped for text and for quoted attributes, but for {@link Markup} itself;
 * lists are joined, undefined is nothing.
 */
export function html(strings: TemplateStringsArray, ...values: readonly Embedded[]): Markup {
  return new Markup(strings.map((text, at) => text + embedded(values[at])).join(''));
}

/** Parts one after the other, a line each. */
export function joined(parts: readonly Markup[]): Markup {
  return new Markup(parts.map(({ text }) => text).join('\n'));
}

function embedded(value: Embedded): string {
  if (value === undefined) return '';
  if (value instanceof Markup) return value.text;
  if (typeof value === 'string' || typeof value === 'number') return escapeHtml(String(value));
  return value.map(embedded).join('');
}

/**
 * `text` for HTML, between tags or in a quoted attribute. Control characters and those that turn the direction of what
 * follows become U+FFFD: neither may make a page say something else than what is stored.
 */
export function escapeHtml(text: string): string {
  return visibleText(text).replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

/** `text` without control characters (line breaks and tabs stay) and without overrides of the writing direction. */
export function visibleText(text: string): string {
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  return text.replaceAll(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069\uFFFE\uFFFF]|\p{Cs}/gu, '\uFFFD');
}
