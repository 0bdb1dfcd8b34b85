import { CHECK_RULE } from '../bodies/plan.ts';
import { suggestion } from '../../base/spelling.ts';
import { afterStatement } from '../effects/after.ts';
import { effectsOf } from '../effects/effects.ts';
import { factsOf, isMade, knownFrom, type CatalogFacts, type KnownObjects } from '../effects/known-objects.ts';
import { showRelation } from '../effects/relation-name.ts';
import { embeddedStatements, type EmbeddedStatement } from '../sql/embedded.ts';
import { columnOf, placeOf } from '../sql/location.ts';
import type { ParsedSql, SqlFile, Statement } from '../files/migration.ts';
import { nodeType, type AstNode, type SqlParser } from '../sql/parser.ts';
import { blockedSentence } from './blocked.ts';
import type { Finding } from './finding.ts';
import type { Hit, Rule, Step } from './rule.ts';
import { rulesFor, RULES } from './rules/table.ts';
import { severityOf } from './severity.ts';
import { newTransactionState, type TransactionState } from './transaction-state.ts';

/** A file to look at, cut and parsed. */
export interface LintedFile {
  readonly file: SqlFile;
  readonly parsed: Pick<ParsedSql, 'directives' | 'statements'>;
}

export interface LintOptions {
  readonly parser: SqlParser;
  /** What the database says of the relations named; undefined without one. */
  readonly catalog: CatalogFacts | undefined;
  /** Rows that the planner expects statements to write, by their texts. */
  readonly writes?: ReadonlyMap<string, number>;
}

/**
 * What is dangerous in files, in the order of files and places. They are taken to run in this order, one after the other. Findings that
 * `-- dbadmin: allow` names are left out; what such a line allows in vain, or misspells, is a finding itself. Down sections are not
 * looked at.
 *
 * Of a file nothing is kept once it is looked at: files that are parsed as they are asked for never all lie in memory.
 */
export function lintFiles(files: Iterable<LintedFile>, options: LintOptions): readonly Finding[] {
  const earlier = new Set<string>();
  const found: Finding[] = [];
  for (const each of files) {
    const known: KnownObjects = { ...knownFrom(options.catalog), earlier };
    const walk = new Walk(each, options);
    const after = walk.file(known);
    // Without a database it cannot be told which files ran long ago, so what they made counts as there already: nothing is absent then.
    if (options.catalog !== undefined) for (const key of after.made) earlier.add(key);
    for (const finding of applyAllows(each, walk.findings)) found.push(finding);
  }
  return found;
}

class Walk {
  readonly findings: Finding[] = [];
  readonly #linted: LintedFile;
  readonly #parser: SqlParser;
  readonly #writes: ReadonlyMap<string, number> | undefined;

  constructor(linted: LintedFile, { parser, writes }: LintOptions) {
    this.#linted = linted;
    this.#parser = parser;
    this.#writes = writes;
  }

  /** What is known at its end. */
  file(start: KnownObjects): KnownObjects {
    const { directives, statements } = this.#linted.parsed;
    const state = newTransactionState();
    let known = start;
    for (const statement of statements) {
      if (statement.node === undefined) continue;
      const place = { offset: statement.start, line: statement.line, text: statement.text, inside: [], runs: 'now' as const };
      const base = { known, state, inTransaction: directives.transaction };
      this.#statement(statement.node, place, statement.number, base);
      known = this.#embedded(statement, base);
      known = afterStatement(statement, known);
    }
    return known;
  }

  /** What stands inside: with the file's transaction when it runs now, with one of its own when it is a routine's. */
  #embedded(statement: Statement, outer: Pick<Step, 'known' | 'state' | 'inTransaction'>): KnownObjects {
    const statements = embeddedStatements(statement, this.#parser);
    if (statements.length === 0) return outer.known;
    let now = outer.known;
    let later: KnownObjects | undefined;
    const called = newTransactionState();
    // Without a transaction a DO block has one of its own, in which earlier constraints are there and earlier locks gone.
    const { notNull, checked } = outer.state;
    const block = outer.inTransaction ? outer.state : { ...newTransactionState(), notNull, checked };
    for (const each of statements) {
      if (each.kind === 'opaque') {
        this.#opaque(each, statement.number);
        continue;
      }
      // When a routine is called, what this file made has long been in use.
      const known: KnownObjects = each.runs === 'now' ? now : (later ?? { ...outer.known, made: new Set(), madeIndexes: new Map() });
      const state: TransactionState = each.runs === 'now' ? block : called;
      this.#statement(each.node, each, statement.number, { known, state, inTransaction: true });
      const after = afterStatement(each, known);
      if (each.runs === 'now') now = after;
      else later = after;
    }
    return now;
  }

  #statement(
    node: AstNode,
    place: Pick<EmbeddedStatement, 'text' | 'offset' | 'line' | 'inside' | 'runs'>,
    number: number,
    context: Pick<Step, 'known' | 'state' | 'inTransaction'>,
  ): void {
    const { type, fields } = nodeType(node);
    let effects: ReturnType<typeof effectsOf> | undefined;
    const { text, inside, runs } = place;
    const writes = this.#writes?.get(text);
    const step: Step = {
      type,
      fields,
      text,
      inside,
      runs,
      writes,
      ...context,
      effects: () => (effects ??= effectsOf({ node }, context.known)),
    };
    for (const rule of rulesFor(type)) {
      for (const hit of rule.check(step)) this.findings.push(this.#finding(rule, hit, step, place, number));
    }
  }

  #finding(rule: Rule, hit: Hit, step: Step, place: Pick<EmbeddedStatement, 'offset' | 'line'>, number: number): Finding {
    const { file } = this.#linted;
    const relation = hit.effect?.relation ?? hit.relation;
    const facts = relation === undefined || isMade(relation, step.known) ? undefined : factsOf(relation, step.known);
    return {
      rule: rule.id,
      severity: severityOf(hit.weight, hit.effect?.lock, facts),
      file: file.path,
      line: place.line,
      column: columnOf(file.text, place.offset),
      statement: number,
      message: hit.message,
      blocked: hit.effect === undefined ? undefined : blockedSentence(hit.effect, facts, step.inTransaction),
      why: hit.why ?? rule.why,
      safe: hit.safe ?? rule.safe,
      relation: relation === undefined ? undefined : showRelation(relation),
      lock: hit.effect?.lock,
      work: hit.effect?.work,
      inside: step.inside,
    };
  }

  #opaque({ reason, offset, line, inside }: Extract<EmbeddedStatement, { readonly kind: 'opaque' }>, number: number): void {
    const { file } = this.#linted;
    this.findings.push({
      ...ABOUT_LINT,
      rule: 'opaque',
      severity: 'notice',
      file: file.path,
      line,
      column: columnOf(file.text, offset),
      statement: number,
      message: reason,
      why: 'What it does was not looked at, nor is it in the plan.',
      safe: 'write the statement out, or look at it yourself and say so: -- dbadmin: allow opaque -- reason',
      inside,
    });
  }
}

const ABOUT_LINT = { blocked: undefined, relation: undefined, lock: undefined, work: undefined } as const;

/** Ids that an allow line may name. */
export const ALLOWABLE: readonly string[] = [...RULES.map(({ id }) => id), 'opaque'];

function applyAllows({ file, parsed }: LintedFile, findings: readonly Finding[]): readonly Finding[] {
  const { allow } = parsed.directives;
  if (allow.length === 0) return findings;
  const allowed = new Set(allow.map(({ rule }) => rule));
  const found = new Set(findings.map(({ rule }) => rule));
  const about = allow.flatMap(({ rule }): readonly Finding[] => {
    const isKnown = ALLOWABLE.includes(rule);
    // That one is of the check of bodies, which needs a server.
    if ((isKnown && found.has(rule)) || rule === CHECK_RULE) return [];
    return [
      {
        ...ABOUT_LINT,
        rule: isKnown ? 'unused-allow' : 'unknown-rule',
        severity: isKnown ? 'notice' : 'warning',
        file: file.path,
        ...placeOf(file.text, offsetOfAllow(file.text, rule)),
        statement: undefined,
        message: isKnown ? `allow ${rule} allows nothing` : `allow ${rule}: there is no such rule${suggestion(rule, ALLOWABLE)}`,
        why: isKnown ? 'No statement of this file needs it; one that comes later would pass unseen.' : 'The line has no effect.',
        safe: isKnown ? 'take the line out' : 'dbadmin migrate lint --rules lists the rules',
        inside: [],
      },
    ];
  });
  return [...about, ...findings.filter(({ rule }) => !allowed.has(rule))];
}

function offsetOfAllow(text: string, rule: string): number {
  const match = new RegExp(String.raw`^--\s*dbadmin:\s*allow\s+${rule}\s`, 'm').exec(text);
  return match?.index ?? 0;
}
