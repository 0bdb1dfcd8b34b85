import { expect, test } from 'vitest';
import type { CheckFinding } from '../../../src/commands/roles/check-findings.ts';
import { githubReport, junitReport } from '../../../src/commands/roles/check-formats.ts';

const FINDING: CheckFinding = {
  kind: 'never',
  rule: 'never',
  severity: 'error',
  line: 7,
  column: 5,
  message: '"a<b>\u0001" & co: 100%',
  safe: 'The file says: never.',
};

test('GitHub gets a workflow command with its special characters written out', () => {
  expect(githubReport('a,b:c.yaml', [FINDING])).toBe(
    '::error file=a%2Cb%3Ac.yaml,line=7,col=5,title=roles%3A never::"a<b>\u0001" & co: 100%25%0AThe file says: never.\n',
  );
});

test('JUnit gets a suite for each kind, cases that pass, and no character that XML cannot hold', () => {
  const cases = [
    { suite: 'never' as const, name: 'a "rule"', findings: [FINDING] },
    { suite: 'never' as const, name: 'another', findings: [] },
    { suite: 'lint' as const, name: 'small', findings: [{ ...FINDING, kind: 'lint' as const, severity: 'notice' as const }] },
  ];
  const xml = junitReport('roles.yaml', cases, ({ severity }) => severity === 'error');
  expect(xml).toContain('<testsuite name="drift" tests="0" failures="0">');
  expect(xml).toContain('<testsuite name="never" tests="2" failures="1">');
  expect(xml).toContain('<failure message="&quot;a&lt;b&gt;\uFFFD&quot; &amp; co: 100%">');
  expect(xml).toContain('<testcase classname="roles.yaml never" name="another"/>');
  expect(xml).toMatch(/name="small"><system-out>/);
});
