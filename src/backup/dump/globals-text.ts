import { DbadminError } from '../../base/errors.ts';

/**
 * Encodings of one byte a character, by the server's names for them and by TextDecoder's. KOI8U is missing: the two say different things
 * of it. So do they of LATIN1 and LATIN5 below 0xA0, which is not asked there.
 */
const SINGLE_BYTE: ReadonlyMap<string, string> = new Map([
  ['LATIN1', 'iso-8859-1'],
  ['LATIN2', 'iso-8859-2'],
  ['LATIN3', 'iso-8859-3'],
  ['LATIN4', 'iso-8859-4'],
  ['LATIN5', 'iso-8859-9'],
  ['LATIN6', 'iso-8859-10'],
  ['LATIN7', 'iso-8859-13'],
  ['LATIN8', 'iso-8859-14'],
  ['LATIN9', 'iso-8859-15'],
  ['LATIN10', 'iso-8859-16'],
  ['ISO_8859_5', 'iso-8859-5'],
  ['ISO_8859_6', 'iso-8859-6'],
  ['ISO_8859_7', 'iso-8859-7'],
  ['ISO_8859_8', 'iso-8859-8'],
  ['WIN1250', 'windows-1250'],
  ['WIN1251', 'windows-1251'],
  ['WIN1252', 'windows-1252'],
  ['WIN1253', 'windows-1253'],
  ['WIN1254', 'windows-1254'],
  ['WIN1255', 'windows-1255'],
  ['WIN1256', 'windows-1256'],
  ['WIN1257', 'windows-1257'],
  ['WIN1258', 'windows-1258'],
  ['WIN866', 'ibm866'],
  ['WIN874', 'windows-874'],
  ['KOI8R', 'koi8-r'],
]);

/**
 * What `pg_dumpall --globals-only` wrote, as text. It writes in the encoding of the database it connects to and says which in a line of its
 * own, before anything that has a name; without one it is UTF-8. SQL_ASCII is no encoding: those bytes are taken where they are UTF-8.
 *
 * @throws {DbadminError} `refused` when it cannot be read without guessing: roles would get wrong names.
 */
export function readGlobals(bytes: Uint8Array): string {
  const encoding = /^SET client_encoding = '([^'\n]*)';/m.exec(Buffer.from(bytes).toString('latin1'))?.[1] ?? 'UTF8';
  const text = decoded(bytes, encoding);
  if (text !== undefined) return text;
  throw new DbadminError('refused', `the globals of the dump are in ${encoding}, and cannot be read here`, {
    detail:
      encoding === 'SQL_ASCII'
        ? 'Their names are not UTF-8, and the database they were read from does not say what else: roles would get wrong names. Nothing was made.'
        : 'Roles would get wrong names. Nothing was made.',
    hint: 'Run globals.sql of the dump by psql, which takes it as it is (psql --file globals.sql; it lies beside the manifest, readable where the repository is not encrypted), or make the roles by hand; then restore without --globals.',
  });
}

function decoded(bytes: Uint8Array, encoding: string): string | undefined {
  const isUtf8 = encoding === 'UTF8' || encoding === 'SQL_ASCII';
  const label = isUtf8 ? 'utf-8' : SINGLE_BYTE.get(encoding);
  if (label === undefined) return undefined;
  const decoder = new TextDecoder(label, { fatal: true, ignoreBOM: true });
  // Those of ISO have control characters below, where TextDecoder gives some of them what Windows has.
  const from = label.startsWith('iso-') ? 0xa0 : 0x80;
  try {
    if (isUtf8) return decoder.decode(bytes);
    return Array.from(bytes, (byte) => (byte < from ? String.fromCodePoint(byte) : decoder.decode(Uint8Array.of(byte)))).join('');
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
