/** Content that comes once, as that of a program: where it is lost, nothing can send it again. */
export function onceOnly(content: Buffer): { readonly stream: AsyncIterable<Uint8Array> } {
  return {
    stream: (async function* () {
      for (let at = 0; at < content.byteLength; at += 1024 * 1024) yield content.subarray(at, at + 1024 * 1024);
    })(),
  };
}
