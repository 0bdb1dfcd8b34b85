import type { SqlFile } from '../files/migration.ts';
import type { SqlParser } from '../sql/parser.ts';
import type { Finding } from './finding.ts';
import { lintFiles, type LintedFile } from './lint.ts';
import { readForLint } from './read.ts';

/** What lint says of files without a database. */
export interface LintedOffline {
  readonly findings: readonly Finding[];
  /** Paths of those that are SQL, in the order they were given. */
  readonly files: readonly string[];
  readonly statements: number;
}

/**
 * What is dangerous in files, without a database. What one of them says changes nothing for the others.
 *
 * Parses one file after the other, as lint asks for them: ten thousand trees at once keep the garbage collector busy.
 */
export function lintOffline(all: Iterable<SqlFile>, parser: SqlParser): LintedOffline {
  const problems: Finding[] = [];
  const files: string[] = [];
  let statements = 0;
  function* read(): Generator<LintedFile> {
    for (const file of all) {
      const { linted, problem } = readForLint(file, parser);
      if (problem !== undefined) problems.push(problem);
      if (linted === undefined) continue;
      files.push(file.path);
      statements += linted.parsed.statements.length;
      yield linted;
    }
  }
  const found = lintFiles(read(), { parser, catalog: undefined });
  return { findings: [...problems, ...found], files, statements };
}
