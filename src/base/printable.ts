/** Text fit for a terminal. Names come from catalogs and repositories that others write to: control characters in them are spelt out. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`);
}
