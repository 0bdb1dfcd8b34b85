import { isAlias, isCollection, isMap, isScalar, isSeq, LineCounter, parseDocument, visit, type Document, type Node } from 'yaml';
import { DbadminError, messageOf, type ErrorCode } from './errors.ts';
import { interpolate } from './interpolation.ts';

/** Keys and indexes that lead from the top of a document to a value. */
export type YamlPath = readonly (string | number)[];

/** Something wrong in a file, with where. Lines and columns count from 1. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** A YAML file as plain values that nothing has checked yet, which remembers where each of them stands. */
export class YamlSource {
  readonly file: string;
  /** Whether the text could be read at all. False means that {@link YamlSource.value} is undefined and problems say why. */
  readonly readable: boolean;
  #value: unknown;
  readonly #problems: Problem[] = [];
  readonly #document: Document;
  readonly #lines: LineCounter;

  /** Reads `text` as YAML 1.2. Syntax errors and duplicate keys become problems. */
  constructor(file: string, text: string) {
    this.file = file;
    this.#lines = new LineCounter();
    this.#document = parseDocument(text, {
      lineCounter: this.#lines,
      prettyErrors: false,
      version: '1.2',
      uniqueKeys: true,
      logLevel: 'silent',
    });
    for (const fault of [...this.#document.errors, ...this.#document.warnings]) {
      this.#addAt(fault.pos[0], yamlFault(fault.code, fault.message, text, fault.pos[0]));
    }
    this.readable = this.#document.errors.every((fault) => fault.code === 'DUPLICATE_KEY') && this.#isPlain();
    this.#value = this.readable ? this.#toPlain() : undefined;
  }

  /** The whole document as plain values; undefined when it is not readable. */
  get value(): unknown {
    return this.#value;
  }

  /** Fills `${NAME}` in strings from `env`; a variable without value is a problem. Leaves alone what `except` says. */
  fill(env: Readonly<Record<string, string | undefined>>, except: (path: YamlPath) => boolean = () => false): void {
    this.#value = this.#filled(this.#value, [], env, except);
  }

  /** All problems so far, in the order of the file. */
  get problems(): readonly Problem[] {
    return this.#problems.toSorted((left, right) => left.line - right.line || left.column - right.column);
  }

  /** Records a problem at the value of `path`; at the key with `onKey`; at the nearest thing above where there is no such value. */
  add(path: YamlPath, message: string, onKey = false): void {
    this.#addAt(this.#offsetOf(path, onKey), message);
  }

  /** `file:line:column` of the value at `path`, or of the nearest thing above it. */
  place(path: YamlPath): string {
    const { line, col } = this.#lines.linePos(this.#offsetOf(path, false));
    return `${this.file}:${line}:${col}`;
  }

  /** The text of the scalar at `path` as written, before interpolation; undefined where there is none. */
  written(path: YamlPath): string | undefined {
    const node = this.#document.getIn(path, true);
    return isScalar(node) && typeof node.value === 'string' ? node.value : undefined;
  }

  /** Whether the document is a tree with text for keys: aliases that lead nowhere or into themselves are problems, and maps as keys. */
  #isPlain(): boolean {
    let isPlain = true;
    const refuse = (node: unknown, message: string): void => {
      this.#addAt(startOf(node) ?? 0, message);
      isPlain = false;
    };
    visit(this.#document, {
      Alias: (_key, alias, above) => {
        const meant = alias.resolve(this.#document);
        if (meant === undefined) refuse(alias, `alias *${alias.source} has no anchor &${alias.source} before it`);
        else if (above.includes(meant)) refuse(alias, `alias *${alias.source} stands inside what it stands for`);
      },
      Pair: (_key, pair) => {
        if (isCollection(pair.key) || isAlias(pair.key)) refuse(pair.key, 'a key must be plain text');
      },
    });
    return isPlain;
  }

  #toPlain(): unknown {
    try {
      return this.#document.toJS();
    } catch (error) {
      // The library stops counting aliases at a hundred copies.
      this.#addAt(0, `not valid YAML: ${messageOf(error)}`);
      return undefined;
    }
  }

  #addAt(offset: number, message: string): void {
    const { line, col } = this.#lines.linePos(offset);
    const problem = { file: this.file, line: Math.max(1, line), column: Math.max(1, col), message };
    const same = this.#problems.some(
      (other) => other.line === problem.line && other.column === problem.column && other.message === message,
    );
    if (!same) this.#problems.push(problem);
  }

  #offsetOf(path: YamlPath, onKey: boolean): number {
    let node: unknown = this.#document.contents;
    let offset = startOf(node) ?? 0;
    for (const [depth, step] of path.entries()) {
      if (isAlias(node)) node = node.resolve(this.#document);
      if (isMap(node)) {
        const pair = node.items.find((item) => String(isScalar(item.key) ? item.key.value : item.key) === String(step));
        if (pair === undefined) return offset;
        const keyOffset = startOf(pair.key) ?? offset;
        const isLast = depth === path.length - 1;
        offset = isLast && onKey ? keyOffset : (startOf(pair.value) ?? keyOffset);
        // A missing key of a section is best shown at the section's own name.
        if (!isLast && isMap(pair.value) && !pair.value.flow) offset = keyOffset;
        node = pair.value;
      } else if (isSeq(node)) {
        node = node.items[Number(step)];
        offset = startOf(node) ?? offset;
      } else return offset;
    }
    return offset;
  }

  #filled(value: unknown, path: YamlPath, env: Readonly<Record<string, string | undefined>>, except: (path: YamlPath) => boolean): unknown {
    if (except(path)) return value;
    if (typeof value === 'string') {
      const { text, missing } = interpolate(value, env);
      for (const name of missing) this.add(path, `environment variable ${name} is not set`);
      return text;
    }
    if (Array.isArray(value)) return value.map((entry: unknown, index) => this.#filled(entry, [...path, index], env, except));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, entry]): [string, unknown] => [key, this.#filled(entry, [...path, key], env, except)]),
    );
  }
}

function startOf(node: unknown): number | undefined {
  return typeof node === 'object' && node !== null && 'range' in node ? (node as Node).range?.[0] : undefined;
}

function yamlFault(code: string, message: string, text: string, offset: number): string {
  if (code === 'DUPLICATE_KEY') {
    const key = /^[^\s:]+/.exec(text.slice(offset))?.[0] ?? '';
    return `duplicate key "${key}"`;
  }
  return `not valid YAML: ${message.replace(/\.$/, '').replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase())}`;
}

/** The one failure that lists every problem on a line of its own, `file:line:column: message`. */
export function problemsError(code: ErrorCode, subject: string, problems: readonly Problem[], hint?: string): DbadminError {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  const lines = problems.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`);
  return new DbadminError(code, `${count} in ${subject}`, { detail: lines.join('\n'), hint });
}
