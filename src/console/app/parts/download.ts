/** Lets the browser keep a text as a file. Definitions for Windows are in UTF-16, which is all that it takes. */
export function download(name: string, text: string): void {
  const body = name.endsWith('.xml') ? utf16(text) : text;
  const address = URL.createObjectURL(new Blob([body], { type: 'application/octet-stream' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

function utf16(text: string): Uint8Array<ArrayBuffer> {
  const units = Uint16Array.from(`\u{FEFF}${text}`, (unit) => unit.charCodeAt(0));
  return new Uint8Array(units.buffer);
}
