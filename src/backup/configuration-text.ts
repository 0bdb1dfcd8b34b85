import { decodePath, encodePath } from '../base/path-bytes.ts';

/**
 * A configuration file as text that loses nothing: the server takes any bytes in comments and values, and an encoding is said nowhere.
 * Bytes that are not UTF-8 become lone surrogates, as in names of files.
 */
export function configurationText(bytes: Uint8Array): string {
  return decodePath(bytes);
}

/** The bytes of a text given by {@link configurationText}, or made of such. */
export function configurationBytes(text: string): Buffer {
  return encodePath(text);
}
