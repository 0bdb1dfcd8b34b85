/** How a written dictionary differs from what it should be. */
export interface Staleness {
  readonly file: string;
  readonly state: 'missing' | 'differs';
  /** Headings of what was added, changed or is gone; empty for a missing file. */
  readonly sections: readonly string[];
}

/** Compares what is written with what should be; undefined where they are the same. Line ends of Windows are no difference. */
export function compareWritten(file: string, written: string | undefined, wanted: string): Staleness | undefined {
  if (written === undefined) return { file, state: 'missing', sections: [] };
  const before = written.replaceAll('\r\n', '\n');
  if (before === wanted) return undefined;
  const [old, now] = [sectionsOf(before), sectionsOf(wanted)];
  const changed = [...new Set([...now.keys(), ...old.keys()])].filter((heading) => old.get(heading) !== now.get(heading));
  return { file, state: 'differs', sections: changed };
}

/** Text by the heading it stands under: `#` in Markdown, h2 to h4 in HTML. */
function sectionsOf(text: string): ReadonlyMap<string, string> {
  const sections = new Map<string, string>();
  let heading = 'the beginning';
  for (const line of text.split('\n')) {
    const [, found] = /^#{1,4} (.*)$/.exec(line) ?? /<h[2-4][^>]*>(.*?)<\/h[2-4]>/.exec(line) ?? [];
    if (found !== undefined) heading = found.replaceAll(/<[^>]*>/g, '').replaceAll(/\\(.)/g, '$1');
    sections.set(heading, `${sections.get(heading) ?? ''}${line}\n`);
  }
  return sections;
}
