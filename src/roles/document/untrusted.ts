import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Position } from './document.ts';

/** A piece of the file as it stands there, with nothing about it believed yet. */
export type Untrusted =
  | { readonly kind: 'text'; readonly value: string; readonly at: Position }
  | { readonly kind: 'number'; readonly value: number; readonly source: string; readonly at: Position }
  | { readonly kind: 'boolean'; readonly value: boolean; readonly at: Position }
  | { readonly kind: 'nothing'; readonly at: Position }
  | { readonly kind: 'list'; readonly items: readonly Untrusted[]; readonly at: Position }
  | { readonly kind: 'map'; readonly entries: readonly UntrustedEntry[]; readonly at: Position };

export interface UntrustedEntry {
  readonly key: string;
  readonly keyAt: Position;
  readonly value: Untrusted;
}

export type UntrustedMap = Extract<Untrusted, { kind: 'map' }>;

export interface Problem {
  readonly at: Position;
  /** Lower case, no full stop. */
  readonly message: string;
}

/**
 * The tree of a YAML 1.2 text, or what is wrong with it.
 *
 * Strict: duplicate keys, tags, anchors with aliases and several documents are problems. Aliases are refused because a few
 * lines of them can unfold to gigabytes.
 */
export function readYaml(text: string): { readonly root: Untrusted; readonly problems: readonly Problem[] } {
  const lines = new LineCounter();
  const problems: Problem[] = [];
  const document = parseDocument(text, {
    version: '1.2',
    strict: true,
    uniqueKeys: true,
    merge: false,
    prettyErrors: false,
    lineCounter: lines,
  });
  const position = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  for (const error of [...document.errors, ...document.warnings]) {
    problems.push({ at: position(error.pos[0]), message: yamlMessage(error.code, error.message) });
  }

  const convert = (node: unknown, outer: Position): Untrusted => {
    const at = rangeStart(node) === undefined ? outer : position(rangeStart(node) ?? 0);
    if (isAlias(node)) {
      problems.push({ at, message: `alias *${node.source} is not allowed: write the value out` });
      return { kind: 'nothing', at };
    }
    if (isSeq(node)) return { kind: 'list', items: node.items.map((item) => convert(item, at)), at };
    if (isMap(node)) {
      const entries = node.items.map((pair): UntrustedEntry => {
        const keyAt = rangeStart(pair.key) === undefined ? at : position(rangeStart(pair.key) ?? 0);
        return { key: keyText(pair.key), keyAt, value: convert(pair.value, keyAt) };
      });
      return { kind: 'map', entries, at };
    }
    if (!isScalar(node) || node.value === null || node.value === undefined) return { kind: 'nothing', at };
    const source = node.source ?? '';
    if (typeof node.value === 'number' || typeof node.value === 'bigint') return { kind: 'number', value: Number(node.value), source, at };
    if (typeof node.value === 'boolean') return { kind: 'boolean', value: node.value, at };
    if (typeof node.value === 'string') return { kind: 'text', value: node.value, at };
    problems.push({ at, message: 'tags are not allowed' });
    return { kind: 'nothing', at };
  };

  return { root: convert(document.contents, { line: 1, column: 1 }), problems };
}

function rangeStart(node: unknown): number | undefined {
  return isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range?.[0] : undefined;
}

/** A key as written: `1:` and `true:` are names like any other here. */
function keyText(key: unknown): string {
  if (isScalar(key)) return typeof key.value === 'string' ? key.value : (key.source ?? '');
  return '';
}

function yamlMessage(code: string, message: string): string {
  if (code === 'DUPLICATE_KEY') return 'this key stands twice in the same place';
  if (code === 'MULTIPLE_DOCS') return 'the file holds more than one document';
  return `not YAML 1.2: ${message.charAt(0).toLowerCase()}${message.slice(1)}`;
}
