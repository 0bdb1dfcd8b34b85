import type { Effect } from '../effects/effect.ts';
import { effectsOf } from '../effects/effects.ts';
import { factsOf, isMade, keyOf, type KnownObjects, type RelationFacts } from '../effects/known-objects.ts';
import { rangeName, type RelationName } from '../effects/relation-name.ts';
import { asNode, asNodes, asText, type AstNode } from '../sql/parser.ts';
import type { Severity } from './finding.ts';
import type { TransactionState } from './transaction-state.ts';

/**
 * How grave a finding is.
 *
 * `rows`: by how much data is read or written while others wait. `moment`: the lock is short, and yet waits behind running queries
 * while others queue behind it. `loss`: by how much data goes. Otherwise as given.
 */
export type Weight = 'rows' | 'moment' | 'loss' | Severity;

/** One statement, wherever it stands, with what is known when it runs. */
export interface Step {
  /** PostgreSQL's name of the statement: `AlterTableStmt`. */
  readonly type: string;
  readonly fields: AstNode;
  readonly text: string;
  readonly known: KnownObjects;
  /** It shares a transaction with the statements before it. */
  readonly inTransaction: boolean;
  /** `later`: in the body of a routine, which runs when it is called. */
  readonly runs: 'now' | 'later';
  readonly inside: readonly string[];
  /** What earlier statements of the same transaction did. */
  readonly state: TransactionState;
  /** Rows that the planner expects it to write; undefined where nobody asked. */
  readonly writes: number | undefined;
  /** Locks and work, from the same source as the plan's. */
  effects(): readonly Effect[];
}

/** What a rule says about a statement. */
export interface Hit {
  readonly message: string;
  readonly weight: Weight;
  /** The relation that others wait for, with the lock and the work. */
  readonly effect?: Effect | undefined;
  /** The relation where there is no effect, or another one decides the severity. */
  readonly relation?: RelationName | undefined;
  /** Where more than the rule's own reason is to be said. */
  readonly why?: string;
  /** The safe form with the names filled in. */
  readonly safe?: string;
}

export interface Rule {
  readonly id: string;
  /** What it finds, in a few words. */
  readonly summary: string;
  readonly why: string;
  /** What to write instead. */
  readonly safe: string;
  /** Types of the statements it looks at; empty for all. */
  readonly on: readonly string[];
  check(step: Step): readonly Hit[];
}

/** Whether nobody can be waiting for it: made in this file, or by a file of this run, or not there at all. */
export function isFresh(relation: RelationName, { known, runs }: Step): boolean {
  if (isMade(relation, known)) return true;
  return runs === 'now' && known.catalog !== undefined && factsOf(relation, known) === undefined;
}

/** One part of an ALTER TABLE of a table that others may use. */
export interface AlterPart {
  readonly subtype: string;
  readonly command: AstNode;
  readonly definition: AstNode;
  /** The column, constraint or trigger it names. */
  readonly name: string;
  readonly relation: RelationName;
  /** On the table itself. */
  readonly effect: Effect | undefined;
  readonly effects: readonly Effect[];
  readonly facts: RelationFacts | undefined;
}

/** The parts of an ALTER TABLE that are of one of these kinds; none when the table is new. */
export function alterParts(step: Step, ...subtypes: readonly string[]): readonly AlterPart[] {
  const relation = rangeName(step.fields['relation']);
  if (step.type !== 'AlterTableStmt' || relation === undefined || isFresh(relation, step)) return [];
  const all = asNodes(step.fields['cmds']);
  return all.flatMap((each) => {
    const command = asNode(each['AlterTableCmd']);
    const subtype = asText(command['subtype']) ?? '';
    if (!subtypes.includes(subtype)) return [];
    const effects =
      all.length === 1 ? step.effects() : effectsOf({ node: { AlterTableStmt: { ...step.fields, cmds: [each] } } }, step.known);
    const definition = Object.values(asNode(command['def'])).map(asNode)[0] ?? {};
    const name = asText(command['name']) ?? asText(definition['conname']) ?? '';
    return [
      {
        subtype,
        command,
        definition,
        name,
        relation,
        effect: effectOn(relation, effects, step),
        effects,
        facts: factsOf(relation, step.known),
      },
    ];
  });
}

/** The effect on `relation`. */
export function effectOn(relation: RelationName, effects: readonly Effect[], { known }: Step): Effect | undefined {
  const key = keyOf(relation, known);
  return effects.find((each) => keyOf(each.relation, known) === key);
}

/** The constraints inside a column's definition, as `{ contype, … }`. */
export function constraintsOf(definition: AstNode): readonly AstNode[] {
  return asNodes(definition['constraints']).map((each) => asNode(each['Constraint']));
}

/** The statement on one line, not longer than a screen. */
export function oneLine(text: string, width = 160): string {
  const line = text
    .slice(0, width * 8)
    .replaceAll(/\s+/g, ' ')
    .trim();
  return line.length > width ? `${line.slice(0, width - 1)}…` : line;
}
