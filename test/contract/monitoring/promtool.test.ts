import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { judgeProject } from '../../../src/status/conditions.ts';
import { prometheusText } from '../../../src/status/prometheus.ts';
import { completeFacts } from '../../unit/status/project-facts.ts';

const execute = promisify(execFile);
const RULES = fileURLToPath(new URL('../../../monitoring/dbadmin.rules.yaml', import.meta.url));
const RULE_TESTS = ['dbadmin.rules.test.yaml', 'dbadmin.rules.day.test.yaml'].map((name) => fileURLToPath(new URL(name, import.meta.url)));
const directory = mkdtempSync(path.join(os.tmpdir(), 'dbadmin-promtool-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Prometheus' own checker: the Debian package `prometheus`. */
function hasPromtool(): boolean {
  try {
    execFileSync('promtool', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const NO_PROMTOOL = 'promtool is not on this machine (Debian package prometheus)';

test('promtool check metrics: what dbadmin tells is well formed and named as Prometheus wants it', async ({ skip }) => {
  skip(!hasPromtool(), NO_PROMTOOL);
  const facts = completeFacts();
  const checking = execute('promtool', ['check', 'metrics']);
  checking.child.stdin?.end(prometheusText(facts, judgeProject(facts)));
  expect(await checking).toEqual({ stdout: '', stderr: '' });
});

test('promtool check rules: the alert rules are valid', async ({ skip }) => {
  skip(!hasPromtool(), NO_PROMTOOL);
  const { stdout } = await execute('promtool', ['check', 'rules', '--lint=all', '--lint-fatal', RULES]);
  expect(stdout).toMatch(/SUCCESS: 12 rules found/);
});

test('promtool test rules: each rule is raised by what it is for, and silent just before', async ({ skip }) => {
  skip(!hasPromtool(), NO_PROMTOOL);
  const texts = RULE_TESTS.map((file) => readFileSync(file, 'utf8'));
  const files = texts.map((text, index) => {
    const file = path.join(directory, `test-${index}.yaml`);
    writeFileSync(file, text.replace('RULES', RULES));
    return file;
  });
  const { stdout } = await execute('promtool', ['test', 'rules', ...files]);
  expect(stdout.match(/SUCCESS/g)).toHaveLength(RULE_TESTS.length);
  const tested = new Set(texts.flatMap((text) => [...text.matchAll(/alertname: (\w+)/g)].map((match) => match[1])));
  const rules = [...readFileSync(RULES, 'utf8').matchAll(/alert: (\w+)/g)].map((match) => match[1]);
  expect(rules.filter((name) => !tested.has(name))).toEqual([]);
});
