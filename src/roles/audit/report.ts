import { printable } from '../../base/printable.ts';
import { csvLine } from '../csv.ts';
import { quoteName } from '../../postgres/quote.ts';
import type { Finding } from './finding.ts';

/** A psql script that closes the findings, the gravest first, each with what it is for. */
export function closingScript(findings: readonly Finding[]): string {
  if (findings.length === 0) return '-- nothing to close\n';
  const lines: string[] = ['\\set ON_ERROR_STOP on'];
  let database: string | undefined;
  for (const finding of findings) {
    if (finding.database !== undefined && finding.database !== database) {
      lines.push('', `\\connect ${quoteName(finding.database)}`);
      ({ database } = finding);
    }
    lines.push('', `-- ${printable(`${finding.severity} ${finding.rule}: ${finding.subject}: ${finding.message}`)}`);
    if (finding.remark !== undefined) lines.push(`-- ${printable(finding.remark)}`);
    lines.push(...finding.sql.map((statement) => `${statement};`));
  }
  return `${lines.join('\n')}\n`;
}

const CSV_HEAD = ['severity', 'finding', 'database', 'subject', 'message', 'evidence', 'sql', 'remark', 'accepted'];

/** A row per finding, for a spreadsheet. `accepted` is the reason, empty where it counts. */
export function findingsCsv(rows: readonly { readonly finding: Finding; readonly reason: string | undefined }[]): string {
  const lines = rows.map(({ finding, reason }) => [
    finding.severity,
    finding.rule,
    finding.database ?? '',
    finding.subject,
    finding.message,
    finding.evidence.join('; '),
    finding.sql.map((statement) => `${statement};`).join(' '),
    finding.remark ?? '',
    reason ?? '',
  ]);
  return [CSV_HEAD, ...lines].map(csvLine).join('');
}

/** The findings as one HTML page without anything from elsewhere. */
export function findingsHtml(title: string, rows: readonly { readonly finding: Finding; readonly reason: string | undefined }[]): string {
  const body = rows.map(
    ({ finding, reason }) => `<tr class="${finding.severity}${reason === undefined ? '' : ' accepted'}">
<td>${finding.severity}</td><td>${escape(finding.rule)}</td><td>${escape(finding.database ?? '')}</td>
<td><b>${escape(finding.subject)}</b> ${escape(finding.message)}<ul>${finding.evidence.map((fact) => `<li>${escape(fact)}</li>`).join('')}</ul>
${finding.remark === undefined ? '' : `<p>${escape(finding.remark)}</p>`}${reason === undefined ? '' : `<p>Accepted: ${escape(reason)}</p>`}</td>
<td><pre>${escape(finding.sql.map((statement) => `${statement};`).join('\n'))}</pre></td></tr>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escape(title)}</title><style>
body { font: 14px system-ui, sans-serif; margin: 2em; } table { border-collapse: collapse; width: 100%; }
td, th { border-top: 1px solid #8884; padding: .5em; text-align: left; vertical-align: top; } pre { white-space: pre-wrap; margin: 0; }
.critical td:first-child { color: #b00020; font-weight: bold; } .high td:first-child { color: #b45309; font-weight: bold; } .accepted { opacity: .6; }
</style></head><body><h1>${escape(title)}</h1>
<table><thead><tr><th>severity</th><th>finding</th><th>database</th><th>what</th><th>closed by</th></tr></thead><tbody>
${body.join('\n')}
</tbody></table></body></html>
`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escape(text: string): string {
  return printable(text).replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
