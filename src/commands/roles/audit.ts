import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { judge, type JudgedFindings } from '../../roles/audit/accept.ts';
import { audit } from '../../roles/audit/audit.ts';
import { SEVERITIES, type Finding, type Severity } from '../../roles/audit/finding.ts';
import { inspectForAudit } from '../../roles/audit/inspect.ts';
import { closingScript, findingsCsv, findingsHtml } from '../../roles/audit/report.ts';
import { parseRolesDocument } from '../../roles/document/parse.ts';
import type { RolesDocument } from '../../roles/document/document.ts';
import { durationOption, listOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { findingJson, showFindings } from './show-findings.ts';

const EXIT_FINDINGS = 2;

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock } = context;
  const { config, cluster } = await loadProject(context, input);
  const file = textOption(input, 'file');
  const document = await readDocument(
    file === undefined ? config.paths.roles : path.resolve(context.cwd, file),
    context.cwd,
    file !== undefined,
  );
  const staleMs = durationOption(input, 'stale');
  const databases = listOption(input, 'database');
  const now = clock.now();
  const state = await inspectForAudit(cluster.connection, {
    databases: databases.length === 0 ? undefined : databases,
    staleSince: staleMs === undefined ? undefined : new Date(now.getTime() - staleMs),
  });
  const judged = judge(audit(state, now).filter(atLeast(input)), document?.accepted ?? [], document?.file ?? '', now);
  for (const note of [...state.notes, ...judged.notes]) output.warn(note);
  const title = `${cluster.name} (PostgreSQL ${state.cluster.major}): ${counted(state.databases.size, 'database')}, ${counted(state.cluster.roles.size, 'role')}`;
  const format = textOption(input, 'format') ?? 'text';
  if (output.json) output.result(resultJson(cluster.name, state.cluster.major, [...state.databases.keys()], judged, state.notes));
  else if (format === 'sql') output.raw(closingScript(judged.open));
  else if (format === 'csv') output.raw(findingsCsv(rowsOf(judged)));
  else if (format === 'html') output.raw(findingsHtml(`Audit of ${title}`, rowsOf(judged)));
  else showFindings(output, title, judged);
  return judged.open.length === 0 ? 0 : EXIT_FINDINGS;
}

/** The roles file says what is accepted. An audit needs none: a cluster that nobody described yet can be looked at. */
async function readDocument(file: string, cwd: string, isNamed: boolean): Promise<RolesDocument | undefined> {
  try {
    return parseRolesDocument(await readFile(file, 'utf8'), path.relative(cwd, file) || file);
  } catch (error) {
    if (error instanceof DbadminError) throw error;
    if (!isNamed && systemCodeOf(error) === 'ENOENT') return undefined;
    throw new DbadminError('file-unreadable', `cannot read ${file}`, { detail: messageOf(error), cause: error });
  }
}

function atLeast(input: CommandInput): (finding: Finding) => boolean {
  const lowest = textOption(input, 'severity') ?? 'low';
  const counts = SEVERITIES.slice(0, SEVERITIES.indexOf(lowest as Severity) + 1);
  return (finding) => counts.includes(finding.severity);
}

function rowsOf(judged: JudgedFindings): readonly { readonly finding: Finding; readonly reason: string | undefined }[] {
  return [
    ...judged.open.map((finding) => ({ finding, reason: undefined })),
    ...judged.accepted.map(({ finding, reason }) => ({ finding, reason })),
  ];
}

function resultJson(
  cluster: string,
  server: number,
  databases: readonly string[],
  { open, accepted, notes }: JudgedFindings,
  unread: readonly string[],
): Record<string, unknown> {
  const counts = Object.fromEntries(SEVERITIES.map((severity) => [severity, open.filter((each) => each.severity === severity).length]));
  return {
    cluster,
    server,
    databases,
    findings: open.map(findingJson),
    accepted: accepted.map(({ finding, reason, until }) => ({ ...findingJson(finding), reason, until: until ?? null })),
    counts,
    notes: [...unread, ...notes],
  };
}

function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}
