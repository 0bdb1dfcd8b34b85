import { printable } from '../../base/printable.ts';
import { cutSql } from '../../roles/access/cut.ts';
import type { AccessGraph, AccessPrivilege, ObjectRef } from '../../roles/access/graph.ts';
import { routePath } from '../../roles/access/route-path.ts';
import { routeText } from '../../roles/access/route-text.ts';
import { findTarget, refText } from '../../roles/access/target.ts';
import type { Answer, Verdict } from '../../roles/access/who-can.ts';
import { flagOption, type CommandInput } from '../command.ts';
import type { Output } from '../output.ts';
import type { Asked } from './ask-access.ts';

export interface ShownQuestion {
  readonly asked: Asked;
  readonly role: string | undefined;
  readonly privilege: AccessPrivilege;
  readonly ref: ObjectRef;
  /** By role; those that log in unless one was named. */
  readonly answers: ReadonlyMap<string, Answer>;
  /** The same after a plan. */
  readonly planned: ReadonlyMap<string, Answer> | undefined;
  /** When, for people; undefined is now. */
  readonly moment: string | undefined;
}

const WORDS: Readonly<Record<Verdict, string>> = { yes: 'yes', 'set-role': 'yes', view: 'yes', routine: 'perhaps', admin: 'no', no: 'no' };

const STYLES = { yes: 'warn', perhaps: 'warn', no: 'good' } as const;

/** One line for each role, and what to do next. */
export function showAnswers(output: Output, input: CommandInput, question: ShownQuestion): void {
  const rows = rowsOf(question);
  const width = (texts: readonly string[]): number => Math.max(0, ...texts.map((text) => text.length));
  const roles = width(rows.map(({ role }) => role));
  const words = width(rows.map(({ word }) => word));
  if (question.moment !== undefined) output.line(`${question.asked.clusterName} as it was at ${question.moment}`);
  if (question.asked.whatIf !== undefined) output.line(`${question.asked.clusterName} as ${question.asked.whatIf} would leave it`);
  for (const row of rows) {
    const style = row.isChanged ? 'bold' : STYLES[row.last];
    output.line(`${row.role.padEnd(roles)}   ${output.style(style, row.word.padEnd(words))}   ${row.text}`.trimEnd());
    if (!flagOption(input, 'explain')) continue;
    for (const text of explanation(row.answer, question.privilege)) output.line(`${' '.repeat(roles + words + 6)}${text}`);
  }
  for (const line of summary(question, rows)) output.line(line);
  output.result(documentOf(question));
}

interface Row {
  readonly role: string;
  readonly word: string;
  readonly last: keyof typeof STYLES;
  readonly text: string;
  readonly isChanged: boolean;
  readonly answer: Answer;
}

function rowsOf({ answers, planned, privilege }: ShownQuestion): readonly Row[] {
  const names = new Set([...answers.keys(), ...(planned?.keys() ?? [])]);
  return [...names].sort().flatMap((name): readonly Row[] => {
    const before = answers.get(name);
    const after = planned === undefined ? before : planned.get(name);
    const answer = after ?? before;
    if (answer === undefined) return [];
    const last = after === undefined ? 'no' : wordOf(after);
    const first = before === undefined ? 'no' : wordOf(before);
    const isGone = after === undefined;
    const isChanged = first !== last || isGone || before === undefined || before.verdict !== after.verdict;
    const text = isGone ? 'the role would be gone' : answerText(answer, privilege);
    return [
      {
        role: printable(name),
        word: first === last ? last : `${first} → ${last}`,
        last,
        text,
        isChanged: planned !== undefined && isChanged,
        answer,
      },
    ];
  });
}

function wordOf({ verdict }: Answer): keyof typeof STYLES {
  const word = WORDS[verdict];
  return word === 'yes' || word === 'perhaps' ? word : 'no';
}

/** Why, in one line. */
function answerText(answer: Answer, privilege: AccessPrivilege): string {
  const parts: string[] = [];
  if (answer.lacks.length > 0) parts.push(`${answer.holds ? `has ${privilege}, ` : ''}lacks ${answer.lacks.join(' and ')}`);
  if (answer.route !== undefined) parts.push(routeText(answer.route, privilege));
  return printable([...parts, ...answer.remarks].join('; '));
}

/** Every way there is, and every way that cannot be ruled out. */
function explanation(answer: Answer, privilege: AccessPrivilege): readonly string[] {
  const others = answer.routes.filter((route) => route !== answer.route).map((route) => `also ${routeText(route, privilege)}`);
  if (others.length === 0 && answer.route === undefined && answer.remarks.length === 0 && answer.lacks.length === 0) {
    return [`no entry for it, for PUBLIC or for a role it is a member of; it owns nothing on the way and is no superuser`];
  }
  return [...new Set(others)];
}

function summary({ privilege, ref, role, asked }: ShownQuestion, rows: readonly Row[]): readonly string[] {
  const at = (verdict: Verdict): number =>
    rows.filter(({ answer, last }) => answer.verdict === verdict && (verdict === 'no' || last !== 'no')).length;
  const parts = [
    `${at('yes')} can at once`,
    ...(at('set-role') > 0 ? [`${at('set-role')} after SET ROLE`] : []),
    ...(at('view') > 0 ? [`${at('view')} through a view`] : []),
    ...(at('routine') > 0 ? [`${at('routine')} perhaps through a function`] : []),
  ];
  const changed = rows.filter(({ isChanged }) => isChanged).length;
  const kind = role === undefined ? 'login' : 'role';
  const lines = [`${rows.length} ${kind}${rows.length === 1 ? '' : 's'} asked about ${privilege} on ${refText(ref)}: ${parts.join(', ')}`];
  if (asked.planned !== undefined)
    lines.push(changed === 0 ? 'no answer would change' : `${changed} answer${changed === 1 ? '' : 's'} would change`);
  return lines.map(printable);
}

function documentOf({ asked, privilege, ref, answers, planned }: ShownQuestion): Record<string, unknown> {
  const names = [...new Set([...answers.keys(), ...(planned?.keys() ?? [])])].sort();
  const one = (answer: Answer | undefined, of: AccessGraph): Record<string, unknown> | null => {
    const target = findTarget(of, asked.database, ref);
    return answer === undefined
      ? null
      : {
          can: answer.verdict,
          holds: answer.holds,
          how: answer.route === undefined ? null : routeText(answer.route, privilege),
          ways: answer.routes.map((route) => ({
            kind: route.kind,
            text: routeText(route, privilege),
            path: routePath(of, answer.role.name, route, ref, privilege),
            cut: target === undefined ? [] : cutSql(of, answer.role.name, route, target, privilege),
          })),
          lacks: answer.lacks,
          remarks: answer.remarks,
        };
  };
  return {
    cluster: asked.clusterName,
    database: asked.database,
    at: asked.at?.toISOString() ?? null,
    whatIf: asked.whatIf ?? null,
    privilege,
    object: { kind: ref.kind, schema: ref.schema ?? null, name: ref.name, column: ref.column ?? null },
    answers: names.map((role) => ({
      role,
      ...one(answers.get(role), asked.graph),
      ...(planned === undefined ? {} : { after: one(planned.get(role), asked.planned ?? asked.graph) }),
    })),
  };
}
