import { parsePrivilege, privilegesOf, type Privilege } from '../privileges.ts';
import { ROLE_ATTRIBUTES, type Position } from './document.ts';
import { nameProblem } from './names.ts';
import { NEVER_KINDS, type NeverObject, type NeverQuality, type NeverRule, type NeverSubject } from './never.ts';
import type { Reader } from './reader.ts';
import type { Untrusted } from './untrusted.ts';

const EXAMPLES =
  'write "svc_* can not update on table s.t", "public can not execute on routine s.f", "no login can select on column s.t.c except x" or "no login is superuser except x"';

/** `never:` as a list of sentences. */
export function parseNever(reader: Reader, value: Untrusted | undefined): readonly NeverRule[] {
  return reader.list(value, 'never').flatMap((item) => {
    const text = reader.text(item, 'never');
    return text === undefined ? [] : (new Sentence(reader, item.at, text).read() ?? []);
  });
}

const CAN_NOT =
  /^(?<who>.+?) (?:can not|cannot|can't) (?<privileges>.+?) on (?<on>.+?)(?: in database (?<database>\S+))?(?: except (?<except>.+))?$/i;
const NO_CAN = /^no (?<who>login|role) can (?<privileges>.+?) on (?<on>.+?)(?: in database (?<database>\S+))?(?: except (?<except>.+))?$/i;
const NO_IS = /^no (?<who>login|role) is (?<what>.+?)(?: except (?<except>.+))?$/i;
const CAN_NOT_BE = /^(?<who>.+?) (?:can not|cannot|can't) be (?<what>.+?)(?: except (?<except>.+))?$/i;

class Sentence {
  readonly #reader: Reader;
  readonly #at: Position;
  readonly #text: string;
  /** What stood in double quotes, by place; the sentence is read with marks in their stead, so that a quoted `on` is a name. */
  readonly #quoted: string[] = [];

  constructor(reader: Reader, at: Position, text: string) {
    this.#reader = reader;
    this.#at = at;
    this.#text = text.trim().replaceAll(/\s+/g, ' ');
  }

  read(): NeverRule | undefined {
    const masked = this.#text.replaceAll(/"((?:[^"]|"")+)"/g, (_whole, inside: string) => {
      this.#quoted.push(inside.replaceAll('""', '"'));
      return `\uE000${this.#quoted.length - 1}\uE001`;
    });
    for (const form of [NO_IS, CAN_NOT_BE]) {
      const found = form.exec(masked)?.groups;
      if (found !== undefined) return this.#is(found);
    }
    for (const form of [NO_CAN, CAN_NOT]) {
      const found = form.exec(masked)?.groups;
      if (found !== undefined) return this.#can(found);
    }
    return this.#problem(`is not a rule; ${EXAMPLES}`);
  }

  #is(found: Readonly<Record<string, string | undefined>>): NeverRule | undefined {
    const who = this.#subject(found);
    const what = this.#quality(found['what'] ?? '');
    if (who === undefined || what === undefined) return undefined;
    if (who.who === 'public') return this.#problem('PUBLIC is no role and has no attributes');
    return { kind: 'is', at: this.#at, text: this.#text, who, what };
  }

  #quality(words: string): NeverQuality | undefined {
    const member = /^(?:a )?member of (?<role>\S+)$/i.exec(words)?.groups?.['role'];
    if (member !== undefined) return { kind: 'member', role: this.#plain(member) };
    const attribute = ROLE_ATTRIBUTES.find((each) => each === words.toLowerCase());
    if (attribute !== undefined && attribute !== 'inherit') return { kind: 'attribute', attribute };
    return this.#problem(
      `: "${words}" is nothing a role can be; it can be superuser, createdb, createrole, replication, bypassrls or member of a role`,
    );
  }

  #can(found: Readonly<Record<string, string | undefined>>): NeverRule | undefined {
    const who = this.#subject(found);
    const on = this.#object(found['on'] ?? '');
    if (who === undefined || on === undefined) return undefined;
    const privileges = (found['privileges'] ?? '').split(/\s*,\s*|\s+and\s+|\s+or\s+/).map((word) => this.#privilege(word, on));
    const database = found['database'];
    const known = privileges.filter((each) => each !== undefined);
    if (known.length < privileges.length) return undefined;
    return {
      kind: 'can',
      at: this.#at,
      text: this.#text,
      who,
      privileges: known,
      on,
      database: database === undefined ? undefined : this.#plain(database),
    };
  }

  #privilege(word: string, on: NeverObject): Privilege | undefined {
    const privilege = parsePrivilege(word);
    const possible = privilegesOf(on.kind);
    if (privilege !== undefined && possible.includes(privilege)) return privilege;
    return this.#problem(`: a ${on.kind} has no privilege ${word}; it has ${possible.join(', ').toLowerCase()}`);
  }

  #subject(found: Readonly<Record<string, string | undefined>>): NeverSubject | undefined {
    const word = (found['who'] ?? '').toLowerCase();
    const except = this.#names(found['except'] ?? '');
    const isWord = word === 'public' || word === 'login' || word === 'role';
    const who = isWord ? word : this.#names(found['who'] ?? '');
    return who === undefined || except === undefined ? undefined : { who, except };
  }

  #names(text: string): readonly string[] | undefined {
    const listed = text.split(/\s*,\s*|\s+and\s+/).filter((each) => each !== '');
    const wrong = listed.find((each) => /\s/.test(each));
    if (wrong !== undefined)
      return this.#problem(`: "${this.#shown(wrong)}" is no name of a role; put a name with spaces in double quotes`);
    return listed.map((each) => this.#glob(each));
  }

  #object(text: string): NeverObject | undefined {
    const word = WORDS.find(([each]) => text.toLowerCase().startsWith(`${each} `));
    if (word === undefined) return this.#problem(`: "${this.#shown(text)}" names no kind of object; ${EXAMPLES}`);
    const [said, kind] = word;
    const name = text.slice(said.length + 1).trim();
    const withArguments = kind === 'routine' ? /^(?<name>[^(]+)\((?<types>.*)\)$/.exec(name)?.groups : undefined;
    const parts = (withArguments?.['name'] ?? name).trim().split('.');
    const wanted = kind === 'column' ? 3 : IN_SCHEMA.includes(kind) ? 2 : 1;
    // A parameter's name may have a point in it.
    const read = kind === 'parameter' ? [name.toLowerCase()] : parts;
    const wrong = read.map((each) => nameProblem(this.#plain(each))).find((each) => each !== undefined);
    if (wrong !== undefined) return this.#problem(`: ${wrong}`);
    if (read.length !== wanted || read.some((each) => /\s/.test(each))) {
      const form = wanted === 3 ? 'schema.table.column' : wanted === 2 ? 'schema.name' : 'one name';
      return this.#problem(`: after ${said} comes ${form}, with double quotes around parts that need them`);
    }
    const isColumn = kind === 'column';
    const [first = '', second = '', third = ''] = read;
    if (isColumn && [first, second].some((each) => /[*?]/.test(each))) return this.#problem(': name the table of a column in full');
    return {
      kind,
      text: this.#shown(name),
      schema: wanted === 1 ? undefined : isColumn ? this.#plain(first) : this.#glob(first),
      name: isColumn ? this.#plain(second) : this.#glob(wanted === 1 ? first : second),
      column: isColumn ? this.#glob(third) : undefined,
      argumentTypes: withArguments === undefined ? undefined : this.#shown(withArguments['types'] ?? ''),
    };
  }

  /** A glob; what was in double quotes is meant to the letter. */
  #glob(text: string): string {
    return text
      .trim()
      .replaceAll(/\uE000(\d+)\uE001/g, (_whole, place: string) => (this.#quoted[Number(place)] ?? '').replaceAll(/[*?\\]/g, '\\$&'));
  }

  #plain(text: string): string {
    return text.trim().replaceAll(/\uE000(\d+)\uE001/g, (_whole, place: string) => this.#quoted[Number(place)] ?? '');
  }

  #shown(text: string): string {
    return text.replaceAll(
      /\uE000(\d+)\uE001/g,
      (_whole, place: string) => `"${(this.#quoted[Number(place)] ?? '').replaceAll('"', '""')}"`,
    );
  }

  #problem(what: string): undefined {
    return this.#reader.problem(this.#at, `never: "${this.#text}"${what.startsWith(':') ? '' : ' '}${what}`);
  }
}

const IN_SCHEMA: readonly NeverObject['kind'][] = ['table', 'sequence', 'routine', 'type'];

const SYNONYMS: readonly (readonly [string, NeverObject['kind']])[] = [
  ['view', 'table'],
  ['materialized view', 'table'],
  ['foreign table', 'table'],
  ['partitioned table', 'table'],
  ['function', 'routine'],
  ['procedure', 'routine'],
  ['aggregate', 'routine'],
  ['domain', 'type'],
  ['fdw', 'foreign data wrapper'],
  ['foreign server', 'server'],
];
const WORDS = [...NEVER_KINDS.map((kind) => [kind, kind] as const), ...SYNONYMS].sort(([left], [right]) => right.length - left.length);
