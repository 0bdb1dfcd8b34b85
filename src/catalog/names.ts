import { visibleText } from '../base/html.ts';
import { quoteIdentifier } from '../postgres/quote.ts';
import type { QualifiedName } from './catalog.ts';

/** A name as SQL takes it (reserved words apart), on one line: line breaks and what cannot be seen are made visible. */
export function shownName(name: string): string {
  return oneLine(quoteIdentifier(name));
}

/** `core.track`, quoted where it must be. */
export function qualified({ schema, name }: QualifiedName): string {
  return `${shownName(schema)}.${shownName(name)}`;
}

/** Text on one line: line breaks and tabs as their symbols. */
export function oneLine(text: string): string {
  return visibleText(text).replaceAll('\r', '␍').replaceAll('\n', '␊').replaceAll('\t', '␉');
}

/** A comment as one paragraph; one of blanks is none. */
export function sentence(comment: string | undefined): string | undefined {
  const words = comment === undefined ? '' : visibleText(comment).replaceAll(/\s+/g, ' ').trim();
  return words === '' ? undefined : words;
}

/**
 * Anchors within a page, each given once: letters, digits and dashes of the words, and a number where two would be the same.
 * The same words in the same order give the same anchors.
 */
export function createAnchors(): (kind: string, ...words: readonly string[]) => string {
  const taken = new Set<string>();
  return (kind, ...words) => {
    const base = [kind, ...words].map((word) => word.toLowerCase().replaceAll(/[^a-z0-9_]+/g, '-')).join('-');
    let anchor = base;
    for (let nth = 2; taken.has(anchor); nth += 1) anchor = `${base}-${nth}`;
    taken.add(anchor);
    return anchor;
  };
}

/** The key of a relation in maps: no name can hold NUL. */
export function keyOf({ schema, name }: QualifiedName): string {
  return `${schema}\0${name}`;
}
