import { Document, isMap, isScalar, isSeq, visit } from 'yaml';
import type { Tree, TreeMap } from './tree.ts';

const LINE_WIDTH = 120;
/** Sections whose entries are one line each, `{ … }`. */
const LINE_SECTIONS = ['access', 'grants', 'columns', 'owners', 'parameters', 'policies', 'keep', 'member_of'];

/** The text of a roles.yaml. `header` lines stand above it as comments. */
export function writeYaml(tree: TreeMap, header: readonly string[]): string {
  const document = new Document(withoutGaps(tree), { version: '1.2' });
  visit(document, {
    Pair: (_key, pair) => {
      const name = isScalar(pair.key) ? pair.key.value : undefined;
      const isLines = typeof name === 'string' && LINE_SECTIONS.includes(name);
      if (isLines && isSeq(pair.value)) for (const item of pair.value.items) if (isMap(item) || isSeq(item)) item.flow = true;
    },
    Map: (_key, map) => {
      // What holds nothing but single values and lists of them reads best on a line of its own.
      if (
        map.items.length <= 6 &&
        map.items.every((pair) => isScalar(pair.value) || (isSeq(pair.value) && pair.value.items.every(isScalar)))
      ) {
        map.flow = true;
      }
    },
    Seq: (_key, seq) => {
      if (seq.items.every(isScalar)) seq.flow = true;
    },
  });
  const text = document.toString({ lineWidth: LINE_WIDTH, flowCollectionPadding: true, defaultStringType: 'PLAIN' });
  // One empty line before each section of the file.
  const spaced = text.replaceAll(/\n(?=[a-z_]+:)/g, '\n\n').replace(/^version: 1\n\n/, 'version: 1\n');
  return `${header.map((line) => (line === '' ? '#' : `# ${line}`)).join('\n')}\n${spaced}`;
}

/** Undefined values are keys that are not there. */
function withoutGaps(tree: Tree | undefined): unknown {
  if (typeof tree !== 'object') return tree;
  if (Array.isArray(tree)) return tree.map(withoutGaps);
  const entries = Object.entries(tree).filter(([, value]) => value !== undefined);
  // A Map keeps keys that look like numbers in their place.
  return new Map(entries.map(([key, value]) => [key, withoutGaps(value)]));
}
