import type { Finding, Severity } from '../finding.ts';
import { RULES } from '../rules/table.ts';

const LEVEL: Readonly<Record<Severity, 'note' | 'warning' | 'error'>> = { notice: 'note', warning: 'warning', error: 'error' };

/** Rules about lint itself, which stand in no table. */
const OWN: Readonly<Record<string, string>> = {
  opaque: 'SQL that could not be looked into',
  unreadable: 'a file that is not a migration',
  'unknown-rule': 'an allow line that names no rule',
  'unused-allow': 'an allow line that allows nothing',
};

/**
 * Findings as a SARIF 2.1.0 log, which code-scanning services read. Paths are relative to the project.
 *
 * @see https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
 */
export function toSarif(findings: readonly Finding[], version: string): unknown {
  const rules = [
    ...RULES.map(({ id, summary, why, safe }) => describe(id, summary, why, safe)),
    ...Object.entries(OWN).map(([id, summary]) => describe(id, summary, `${summary}.`, 'See the finding.')),
  ];
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'dbadmin', semanticVersion: version, rules } },
        originalUriBaseIds: { PROJECT: { description: { text: 'The directory of dbadmin.yaml.' } } },
        // Columns are counted in characters, not in halves of them.
        columnKind: 'unicodeCodePoints',
        results: findings.map((each) => ({
          ruleId: each.rule,
          ruleIndex: rules.findIndex(({ id }) => id === each.rule),
          level: LEVEL[each.severity],
          message: { text: textOf(each) },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: each.file.split('/').map(encodeURIComponent).join('/'), uriBaseId: 'PROJECT' },
                region: { startLine: each.line, startColumn: each.column },
              },
            },
          ],
          partialFingerprints: { 'statement/v1': [each.rule, each.file, each.statement ?? 0, each.message].join(' ') },
        })),
      },
    ],
  };
}

function describe(id: string, summary: string, why: string, safe: string): { readonly id: string } & Readonly<Record<string, unknown>> {
  return { id, shortDescription: { text: summary }, fullDescription: { text: why }, help: { text: `Write instead: ${safe}` } };
}

function textOf({ message, blocked, why, safe }: Finding): string {
  return [`${message}.`, ...(blocked === undefined ? [] : [`${blocked}.`]), why, `Write instead: ${safe}`].join('\n');
}
