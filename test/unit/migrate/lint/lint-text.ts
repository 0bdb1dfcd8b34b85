import type { CatalogFacts, RelationFacts } from '../../../../src/migrate/effects/known-objects.ts';
import type { Finding } from '../../../../src/migrate/lint/finding.ts';
import { lintFiles } from '../../../../src/migrate/lint/lint.ts';
import { readForLint } from '../../../../src/migrate/lint/read.ts';
import { loadSqlParser } from '../../../../src/migrate/sql/parser.ts';

const parser = await loadSqlParser();

/** What lint says of one file with this text. */
export function lintText(text: string, catalog?: CatalogFacts): readonly Finding[] {
  const { linted, problem } = readForLint({ path: 'sql/migrations/1_a.sql', location: '/1_a.sql', text, sha256: '' }, parser);
  return [...(problem === undefined ? [] : [problem]), ...(linted === undefined ? [] : lintFiles([linted], { parser, catalog }))];
}

/** `rule: severity` of each finding. */
export function verdicts(text: string, catalog?: CatalogFacts): readonly string[] {
  return lintText(text, catalog).map(({ rule, severity }) => `${rule}: ${severity}`);
}

/** A catalog of tables in schema core. */
export function catalogOf(tables: Readonly<Record<string, Partial<RelationFacts>>>): CatalogFacts {
  return {
    serverMajor: 17,
    volatility: () => undefined,
    relation: ({ schema, name }) => {
      const facts = tables[name];
      if (facts === undefined || schema !== 'core') return undefined;
      return {
        relation: { schema, name },
        kind: 'r',
        rows: 1000,
        sizeBytes: 100_000,
        columns: new Map([['a', 'integer']]),
        notNull: new Set(),
        constraints: [],
        referencedBy: [],
        table: undefined,
        parents: [],
        children: [],
        defaultPartition: undefined,
        views: [],
        indexed: new Set(),
        ...facts,
      };
    },
  };
}
