/**
 * What is wrong with the header of a zstd frame although it unpacks: bits that a decoder looks over, and that our compressor
 * always leaves clear. Undefined when nothing is.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1.1
 */
export function frameHeaderFault(frame: Buffer): string | undefined {
  const descriptor = frame.byteLength < 6 ? 0xff : frame.readUInt8(4);
  const unused = (descriptor & 0x10) !== 0;
  const reserved = (descriptor & 0x08) !== 0;
  const dictionary = (descriptor & 0x03) !== 0;
  if (unused || reserved || dictionary) return 'Its frame header has bits set that mean nothing here.';
  const isSingleSegment = (descriptor & 0x20) !== 0;
  if (isSingleSegment) return undefined;
  const window = frame.readUInt8(5);
  if ((window & 0x07) !== 0) return 'Its frame header names a window that is no power of two.';
  const contentBytes = contentSize(frame, descriptor >> 6);
  const windowBytes = 2 ** (10 + (window >> 3));
  // A frame whose content fits into its window is written as a single segment.
  return contentBytes !== undefined && windowBytes >= contentBytes ? 'Its frame header names a window larger than its content.' : undefined;
}

/** The content's size as a frame with a window descriptor says it; undefined when it does not. */
function contentSize(frame: Buffer, sizeFlag: number): number | undefined {
  const at = 6;
  if (sizeFlag === 0 || frame.byteLength < at + 8) return undefined;
  if (sizeFlag === 1) return frame.readUInt16LE(at) + 256;
  return sizeFlag === 2 ? frame.readUInt32LE(at) : Number(frame.readBigUInt64LE(at));
}
