import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import { describeChange } from '../../roles/describe.ts';
import { compareStates, pairDatabases, placeOf, type DatabasePair } from '../../roles/diff/compare-states.ts';
import { briefly, compareFacts, type Difference, type Fact } from '../../roles/diff/difference.ts';
import { documentFacts } from '../../roles/diff/document-facts.ts';
import { policyFacts } from '../../roles/diff/policy-facts.ts';
import type { RolesDocument } from '../../roles/document/document.ts';
import { parseRolesDocument } from '../../roles/document/parse.ts';
import { inspectDetails } from '../../roles/import/inspect.ts';
import { inspectAll } from '../../roles/inspect-all.ts';
import { inspectRoles } from '../../roles/inspect.ts';
import { planRoles } from '../../roles/plan.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { readSide, type DiffSide } from './diff-side.ts';

const EXIT_DRIFT = 2;

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const [left, right] = await Promise.all(input.args.slice(0, 2).map(async (text) => await readSide(context, input, text)));
  if (left === undefined || right === undefined) throw new DbadminError('usage', 'name the two sides to compare');
  const differences = await differencesOf(context, textOption(input, 'maintenanceDb') ?? 'postgres', left, right);
  output.line(`${printable(left.name)} (−) and ${printable(right.name)} (+)`);
  for (const difference of differences) output.line(lineOf(difference));
  output.line(summary(differences));
  output.result({ left: left.name, right: right.name, same: differences.length === 0, differences: differences.map(jsonOf) });
  return differences.length === 0 ? 0 : EXIT_DRIFT;
}

type ClusterSide = Extract<DiffSide, { kind: 'cluster' }>;

async function differencesOf(
  context: CommandContext,
  maintenance: string,
  left: DiffSide,
  right: DiffSide,
): Promise<readonly Difference[]> {
  if (left.kind === 'file' && right.kind === 'file') {
    const [ours, theirs] = [await readDocument(left), await readDocument(right)];
    return briefly(compareFacts(documentFacts(ours), documentFacts(theirs)));
  }
  if (left.kind === 'file' && right.kind === 'cluster') return await planned(context, left, right);
  if (left.kind === 'cluster' && right.kind === 'file') {
    const swapped = await planned(context, right, left);
    return swapped.map((each) => ({ ...each, left: each.right, right: each.left }));
  }
  return left.kind === 'cluster' && right.kind === 'cluster' ? await observed(maintenance, left, right) : [];
}

async function observed(maintenance: string, left: ClusterSide, right: ClusterSide): Promise<readonly Difference[]> {
  if ((left.database === undefined) !== (right.database === undefined)) {
    throw new DbadminError('usage', 'one side is a whole cluster and the other one database', {
      hint: 'Name a database on both sides, as staging/music, or on neither.',
    });
  }
  const inspect = async (side: ClusterSide): Promise<Awaited<ReturnType<typeof inspectAll>>> =>
    await inspectAll(side.connection, maintenance, side.database === undefined ? undefined : [side.database]);
  const [ours, theirs] = await Promise.all([inspect(left), inspect(right)]);
  if (left.database === undefined || right.database === undefined) {
    const { pairs, facts } = pairDatabases(ours, theirs);
    const [ofLeft, ofRight] = [await rowSecurity(left, 'left', pairs), await rowSecurity(right, 'right', pairs)];
    return compareStates(ours, theirs, pairs, [
      [...facts[0], ...ofLeft],
      [...facts[1], ...ofRight],
    ]);
  }
  for (const [side, state] of [[left, ours] as const, [right, theirs] as const]) {
    if (state.databases.size === 0) throw new DbadminError('usage', `there is no database ${side.database ?? ''} in ${side.name}`);
  }
  const pairs = [{ left: left.database, right: right.database }];
  return compareStates(ours, theirs, pairs, [await rowSecurity(left, 'left', pairs), await rowSecurity(right, 'right', pairs)]);
}

async function rowSecurity(side: ClusterSide, which: keyof DatabasePair, pairs: readonly DatabasePair[]): Promise<readonly Fact[]> {
  const facts: Fact[] = [];
  for (const pair of pairs)
    facts.push(...policyFacts((await inspectDetails(side.connection, pair[which])).rowSecurity, placeOf(pair, pairs)));
  return facts;
}

/** A file against a cluster is the plan of the file: what apply would give is only in the file, what it would take only there. */
async function planned(
  context: CommandContext,
  left: Extract<DiffSide, { kind: 'file' }>,
  right: ClusterSide,
): Promise<readonly Difference[]> {
  const document = await readDocument(left);
  const state = await inspectRoles(document, right.connection, { env: context.env, directory: path.dirname(left.file) });
  return planRoles(document, state, context.clock.now()).changes.map((change): Difference => {
    const { subject, sign, text, remark } = describeChange(change);
    const value = sign === '~' ? 'differs' : remark;
    return {
      section: 'privileges',
      subject,
      text,
      left: sign === '−' ? undefined : value,
      right: sign === '+' ? undefined : sign === '~' ? '' : value,
    };
  });
}

async function readDocument(side: Extract<DiffSide, { kind: 'file' }>): Promise<RolesDocument> {
  return parseRolesDocument(await readFile(side.file, 'utf8'), side.name);
}

function lineOf({ section, subject, text, left, right }: Difference): string {
  const sign = left === undefined ? '+' : right === undefined ? '−' : '~';
  const shown = (value: string): string => (value === '' ? 'plain' : value);
  const values = left === undefined || right === undefined ? (left ?? right ?? '') : `${shown(left)} | ${shown(right)}`;
  const head = section === 'owners' || subject === '' ? subject : subject.padEnd(20);
  return printable(`  ${sign} ${head}  ${text}${values === '' ? '' : `   ${values}`}`);
}

function summary(differences: readonly Difference[]): string {
  if (differences.length === 0) return 'the same';
  const count = (isIt: (each: Difference) => boolean): number => differences.filter(isIt).length;
  const [onlyLeft, onlyRight] = [count((each) => each.right === undefined), count((each) => each.left === undefined)];
  const total = `${differences.length} difference${differences.length === 1 ? '' : 's'}`;
  return `${total}: ${onlyLeft} only on the left, ${onlyRight} only on the right, ${differences.length - onlyLeft - onlyRight} with other values`;
}

function jsonOf({ section, subject, text, left, right }: Difference): Record<string, unknown> {
  return { section, subject, text, left: left ?? null, right: right ?? null };
}
