/**
 * The bytes of a bytea value as the server writes it: `\x` and hex digits, or what `bytea_output = escape` makes of it, where printable
 * ASCII stands for itself, a backslash is doubled, and any other byte is `\` and three octal digits.
 *
 * The text tells which: in the second form no `x` follows a backslash.
 *
 * @see https://www.postgresql.org/docs/current/datatype-binary.html
 */
export function parseBytea(text: string): Buffer {
  if (text.startsWith('\\x')) return Buffer.from(text.slice(2), 'hex');
  return Buffer.from(
    text.replaceAll(/\\(?:\\|([0-3][0-7]{2}))/g, (_, octal: string | undefined) =>
      octal === undefined ? '\\' : String.fromCharCode(Number.parseInt(octal, 8)),
    ),
    'latin1',
  );
}
