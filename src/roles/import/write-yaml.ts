import { Document, isSeq } from 'yaml';
import type { Tree, TreeMap } from './tree.ts';

const LINE_WIDTH = 120;
const STEP = '  ';

/**
 * The text of a roles.yaml. `header` lines stand above it as comments.
 *
 * What fits on a line stands on one, `{ profile: reader, on: [core, mart], to: app_reader }`; lists of names that do not fit go
 * on over as many lines as they need, because an import may have hundreds of them.
 */
export function writeYaml(tree: TreeMap, header: readonly string[]): string {
  const comments = header.map((line) => (line === '' ? '#' : `# ${line}`));
  const sections = entriesOf(tree).flatMap(([key, value]) => {
    const lines = entryLines(key, value, '');
    return lines.length > 1 ? ['', ...lines] : lines;
  });
  return `${[...comments, ...sections].join('\n')}\n`;
}

function entriesOf(map: TreeMap): readonly (readonly [key: string, value: Tree])[] {
  return Object.entries(map).flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]));
}

/** `key: value` at `indent`, with the value on the same line where it fits. */
function entryLines(key: string, value: Tree, indent: string): readonly string[] {
  const head = `${indent}${scalar(key)}:`;
  if (!isNested(value) || !isBlock(value)) {
    const line = `${head} ${flow(value)}`;
    if (line.length <= LINE_WIDTH || !isNested(value) || isEmpty(value)) return [line];
  }
  if (isList(value)) {
    return value.every((item) => !isNested(item))
      ? filled(`${head} `, value, indent)
      : [head, ...value.flatMap((item) => itemLines(item, `${indent}${STEP}`))];
  }
  return isNested(value) ? [head, ...entriesOf(value).flatMap(([name, each]) => entryLines(name, each, `${indent}${STEP}`))] : [];
}

/** `- …` at `indent`: on one line, or a mapping whose first key stands behind the dash. */
function itemLines(item: Tree, indent: string): readonly string[] {
  const line = `${indent}- ${flow(item)}`;
  if (line.length <= LINE_WIDTH || !isNested(item) || isList(item) || isEmpty(item)) return [line];
  const [first = '', ...rest] = entriesOf(item).flatMap(([key, value]) => entryLines(key, value, `${indent}${STEP}`));
  return [`${indent}- ${first.trimStart()}`, ...rest];
}

/** A list of names over several lines, each as full as it can be. */
function filled(head: string, items: readonly Tree[], indent: string): readonly string[] {
  const lines: string[] = [];
  let line = `${head}[`;
  for (const [index, item] of items.entries()) {
    const text = `${flow(item)}${index === items.length - 1 ? ']' : ','}`;
    const isFirst = line.endsWith('[') || line.trim() === '';
    if (!isFirst && line.length + 1 + text.length > LINE_WIDTH) {
      lines.push(line);
      line = `${indent}${STEP}${STEP}${text}`;
    } else line = `${line}${isFirst ? '' : ' '}${text}`;
  }
  return [...lines, line];
}

/** Whether a value has to be spread out: a mapping by name of things that have parts of their own. */
function isBlock(value: Tree): boolean {
  if (!isNested(value)) return false;
  if (isList(value)) return value.some(isNested);
  return entriesOf(value).some(([, each]) => isNested(each) && (!isList(each) || each.some(isNested)));
}

function isNested(value: Tree): value is TreeMap | readonly Tree[] {
  return typeof value === 'object';
}

function isEmpty(value: TreeMap | readonly Tree[]): boolean {
  return isList(value) ? value.length === 0 : entriesOf(value).length === 0;
}

function isList(value: Tree): value is readonly Tree[] {
  return Array.isArray(value);
}

function flow(value: Tree): string {
  if (!isNested(value)) return scalar(value);
  if (isList(value)) return `[${value.map(flow).join(', ')}]`;
  const entries = entriesOf(value);
  return entries.length === 0 ? '{}' : `{ ${entries.map(([key, each]) => `${scalar(key)}: ${flow(each)}`).join(', ')} }`;
}

/** Words as `table core.play`, which are most of a large file, mean themselves wherever they stand. */
const PLAIN = /^[A-Za-z_][\w.*()]*(?: [\w.*()]+)*$/;
const RESERVED = /^(?:true|false|null)$/i;

/** A value as it must be quoted between brackets, which is right outside of them, too. */
function scalar(value: string | number | boolean): string {
  if (typeof value === 'string' && PLAIN.test(value) && !RESERVED.test(value)) return value;
  if (typeof value === 'string' && !SHORT_LINE.test(value)) return doubleQuoted(value);
  const document = new Document([value], { version: '1.2' });
  if (isSeq(document.contents)) document.contents.flow = true;
  return document.toString({ lineWidth: 0, flowCollectionPadding: false }).trimEnd().slice(1, -1);
}

/** What the library would spread over several lines, which cannot be a key nor stand between brackets. */
const SHORT_LINE = /^[ -~\u00a0-\u1fff]{1,50}$/u;

/** JSON's strings are YAML's, once all that is invisible is spelt out. */
function doubleQuoted(text: string): string {
  return JSON.stringify(text).replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cn}]/gu, (character) =>
    [...Array(character.length).keys()].map((index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`).join(''),
  );
}
