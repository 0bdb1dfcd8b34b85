const BLOCK_BYTES = 512;
/** What 11 octal digits can say. Beyond it stands in base 256, which GNU tar, bsdtar and PostgreSQL itself read. */
const MOST_OCTAL_BYTES = 0o77777777777;

/** One file of a tar archive. */
export interface TarFile {
  /** At most 100 bytes of ASCII, relative. */
  readonly path: string;
  readonly sizeBytes: number;
  /** Seconds since 1970. */
  readonly modifiedAt: number;
}

/** The ustar header block of a file that its owner alone may read. @see https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html */
export function makeTarHeader({ path, sizeBytes, modifiedAt }: TarFile): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  block.write(path, 0, 100, 'latin1');
  block.write('0000600\0', 100, 'latin1');
  block.write('0000000\0', 108, 'latin1');
  block.write('0000000\0', 116, 'latin1');
  if (sizeBytes <= MOST_OCTAL_BYTES) block.write(`${octal(sizeBytes, 11)}\0`, 124, 'latin1');
  else {
    block.writeUInt8(0x80, 124);
    block.writeBigUInt64BE(BigInt(sizeBytes), 128);
  }
  block.write(`${octal(modifiedAt, 11)}\0`, 136, 'latin1');
  block.write('        ', 148, 'latin1');
  block.write('0', 156, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 6)}\0 `, 148, 'latin1');
  return block;
}

/** The zeros between a file's content and the next header. */
export function tarPadding(sizeBytes: number): number {
  return (BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES;
}

/** How many bytes an archive of these files has, its end among them. */
export function tarBytes(files: readonly Pick<TarFile, 'sizeBytes'>[]): number {
  return files.reduce((sum, { sizeBytes }) => sum + BLOCK_BYTES + sizeBytes + tarPadding(sizeBytes), TAR_END.byteLength);
}

/** What stands at the end of an archive. */
export const TAR_END: Buffer = Buffer.alloc(2 * BLOCK_BYTES);

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}
