import { DbadminError } from '../../base/errors.ts';
import { toJson } from '../../base/json.ts';
import { isAtLeast, SEVERITIES, type Severity } from '../../roles/lint/finding.ts';
import { lintRoles, NEVER_DETOUR, NEVER_IDLE } from '../../roles/lint/lint.ts';
import { LINT_RULES } from '../../roles/lint/rules.ts';
import { flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { checkCases, type CheckCase, type CheckFinding } from './check-findings.ts';
import { githubReport, junitReport } from './check-formats.ts';
import { inspectGuard } from './guard-plan.ts';
import { inspectAndPlan, loadRoles, type InspectedPlan, type RolesProject } from './load-roles.ts';
import { planJson, summaryText } from './show-plan.ts';

const EXIT_FINDINGS = 2;

/** `dbadmin roles check`: drift, broken never rules, and what in the file is seldom meant. */
export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  if (flagOption(input, 'rules')) return showRules(context);
  const least = severityOption(input);
  const project = await loadRoles(context, input);
  const inspected = await inspectAndPlan(context, project);
  const guard = await inspectGuard(project, inspected.plan);
  const lint = lintRoles(project.document, guard, context.clock.now());
  const cases = checkCases(project.document, inspected.plan, guard, lint);
  const fails = ({ severity }: CheckFinding): boolean => isAtLeast(severity, least);
  show(context, input, { project, inspected, cases, fails });
  return cases.some(({ findings }) => findings.some(fails)) ? EXIT_FINDINGS : 0;
}

interface Checked {
  readonly project: RolesProject;
  readonly inspected: InspectedPlan;
  readonly cases: readonly CheckCase[];
  readonly fails: (finding: CheckFinding) => boolean;
}

function show({ output }: CommandContext, input: CommandInput, checked: Checked): void {
  const { project, inspected, cases, fails } = checked;
  const { file } = project.document;
  const findings = cases.flatMap((each) => each.findings);
  const document = {
    ...planJson(project, inspected),
    findings: findings.map(({ kind, rule, severity, line, column, message, safe }) => ({
      kind,
      rule,
      severity,
      file,
      line,
      column,
      message,
      safe,
    })),
    checked: { never: project.document.never.length, lint: cases.filter(({ suite }) => suite === 'lint').length },
    failed: findings.some(fails),
  };
  switch (textOption(input, 'format') ?? 'text') {
    case 'json':
      return output.raw(`${toJson(document, 2)}\n`);
    case 'github':
      return output.raw(githubReport(file, findings));
    case 'junit':
      return output.raw(junitReport(file, cases, fails));
    default:
  }
  const shown = findings.filter((finding) => finding.kind !== 'lint' || fails(finding));
  for (const line of textLines(file, shown)) output.line(line);
  for (const note of inspected.plan.notes) output.warn(note);
  output.line(summary(checked, findings));
  output.result(document);
}

/** Drift as `plan` has it; the rest with its place in the file. */
function textLines(file: string, findings: readonly CheckFinding[]): readonly string[] {
  return findings.map(({ kind, rule, severity, line, column, message, safe }) => {
    if (kind === 'drift') return message;
    const place = `${file}:${line}:${column}`;
    return kind === 'never'
      ? `NEVER   ${place}: ${message}; ${lowerFirst(safe).replace(/\.$/, '')}`
      : `${severity.padEnd(7)} ${place}: ${message} (${rule}). ${safe}`;
  });
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function summary({ project, inspected, fails }: Checked, findings: readonly CheckFinding[]): string {
  const rules = project.document.never.length;
  const broken = findings.filter(({ kind }) => kind === 'never').length;
  const remarks = findings.filter(({ kind }) => kind === 'lint');
  const failing = remarks.filter(fails).length;
  const parts = [
    summaryText(inspected.plan),
    ...(rules === 0
      ? []
      : [broken > 0 ? `${broken} broken under never` : `${plural(rules, 'never rule')} ${rules === 1 ? 'holds' : 'hold'}`]),
    ...(failing === 0 ? [] : [`${plural(failing, 'remark')} on the file`]),
    ...(remarks.length === failing ? [] : [`${plural(remarks.length - failing, 'lesser remark')} (--severity notice)`]),
  ];
  return parts.join('; ');
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

function showRules({ output }: CommandContext): number {
  const rules = [...LINT_RULES, NEVER_IDLE, NEVER_DETOUR].map(({ name, severity, summary: finds }) => ({ name, severity, summary: finds }));
  for (const { name, severity, summary: finds } of rules) output.line(`${name.padEnd(20)} ${severity.padEnd(8)} ${finds}`);
  output.result({ rules });
  return 0;
}

function severityOption(input: CommandInput): Severity {
  const given = textOption(input, 'severity') ?? 'warning';
  const found = SEVERITIES.find((each) => each === given);
  if (found !== undefined) return found;
  throw new DbadminError('usage', `"${given}" is no severity`, { hint: `Known are ${SEVERITIES.join(', ')}.` });
}
