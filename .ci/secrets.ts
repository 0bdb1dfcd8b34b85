// Refuses secrets in the files that git tracks.
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';

export interface SecretFinding {
  readonly file: string;
  readonly line: number;
  readonly kind: string;
}

interface Rule {
  readonly kind: string;
  readonly pattern: RegExp;
  /** Whether what matched is plainly no secret: a placeholder, or the documented example of its kind. */
  readonly harmless?: (match: RegExpExecArray) => boolean;
}

const LARGEST_FILE_BYTES = 4 * 1024 * 1024;
const PLACEHOLDER = /EXAMPLE|^\$|^<|^\.{3}$|^…$|^\*+$|^x+$|^%|\$\{/i;
const EXAMPLE_HOST =
  /^(?:localhost|127\.0\.0\.1|\[::1\]|\$.*|[\w.-]*\bexample(?:\.(?:com|org|net|test))?|[\w.-]+\.(?:test|invalid|local)|[a-z][a-z0-9-]*)$/i;

const RULES: readonly Rule[] = [
  { kind: 'private key', pattern: /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\s*(?:\\n|\n|$)/g },
  { kind: 'AWS access key', pattern: /\b((?:AKIA|ASIA)[0-9A-Z]{16})\b/g, harmless: placeholder },
  { kind: 'AWS secret key', pattern: /aws_?secret_?access_?key["']?\s*[:=]\s*["']?([A-Za-z0-9/+]{40})\b/gi, harmless: placeholder },
  { kind: 'GitHub token', pattern: /\b(gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{60,})\b/g },
  { kind: 'npm token', pattern: /\b(npm_[A-Za-z0-9]{36})\b/g },
  { kind: 'npm registry login', pattern: /:_(?:authToken|password)\s*=\s*(\S+)/g, harmless: placeholder },
  { kind: 'Slack token', pattern: /\b(xox[abprs]-[A-Za-z0-9-]{20,})\b/g },
  { kind: 'Google key', pattern: /\b(AIza[A-Za-z0-9_-]{35})\b/g },
  { kind: 'signed token', pattern: /\b(eyJ[A-Za-z0-9_-]{15,}\.eyJ[A-Za-z0-9_-]{15,}\.[A-Za-z0-9_-]{15,})/g },
  {
    kind: 'password in a URL',
    // A host without a dot is a name inside somebody's network or a test's, and no address of a database.
    pattern: /\b[a-z][a-z0-9+.-]*:\/\/[^\s:@/'"`]+:([^\s@/'"`]+)@([^\s:/?'"`,)\]]+)/gi,
    harmless: (match) => PLACEHOLDER.test(match[1] ?? '') || EXAMPLE_HOST.test(match[2] ?? ''),
  },
];

/** The secrets in `text`, by line. The secret itself is not in the finding: a build log is no place for it. */
export function findSecrets(file: string, text: string): readonly SecretFinding[] {
  return RULES.flatMap((rule) =>
    [...text.matchAll(rule.pattern)]
      .filter((match) => !(rule.harmless?.(match) ?? false))
      .map((match) => ({ file, line: text.slice(0, match.index).split('\n').length, kind: rule.kind })),
  ).sort((a, b) => a.line - b.line);
}

function placeholder(match: RegExpExecArray): boolean {
  return PLACEHOLDER.test(match[1] ?? '');
}

function trackedFiles(): readonly string[] {
  const listing = spawnSync('git', ['ls-files', '-z'], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  if (listing.status !== 0) throw new Error(`git ls-files failed: ${listing.stderr}`);
  return listing.stdout.split('\0').filter((name) => name !== '');
}

if (import.meta.main) {
  let read = 0;
  const findings: SecretFinding[] = [];
  for (const file of trackedFiles()) {
    const stats = statSync(file, { throwIfNoEntry: false });
    // Deleted in the work tree, or too large to be written by hand.
    if (stats === undefined || !stats.isFile() || stats.size > LARGEST_FILE_BYTES) continue;
    const bytes = readFileSync(file);
    if (bytes.includes(0)) continue;
    read += 1;
    findings.push(...findSecrets(file, bytes.toString('utf8')));
  }
  for (const finding of findings) console.error(`${finding.file}:${finding.line}: ${finding.kind}`);
  console.log(`secret scan: ${read} files, ${findings.length} found`);
  process.exitCode = findings.length === 0 ? 0 : 1;
}
