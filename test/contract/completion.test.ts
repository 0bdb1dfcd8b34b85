import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { COMMANDS } from '../../src/commands/catalogue.ts';
import { bashCompletion } from '../../src/commands/completion/bash.ts';
import { fishCompletion } from '../../src/commands/completion/fish.ts';
import { commandWords } from '../../src/commands/completion/words.ts';
import { zshCompletion } from '../../src/commands/completion/zsh.ts';
import { manualPage } from '../../src/commands/manual.ts';

const words = commandWords(COMMANDS);
const directory = mkdtempSync(path.join(os.tmpdir(), 'dbadmin-completion-'));
const script = path.join(directory, 'dbadmin.bash');
writeFileSync(script, bashCompletion(words));
afterAll(() => rmSync(directory, { recursive: true }));

const has = (program: string, ...args: readonly string[]): boolean => {
  const there = spawnSync(program, args, { stdio: 'ignore' }).error === undefined;
  if (!there) console.warn(`SKIPPED: no ${program} here`);
  return there;
};

/** What bash offers for the words typed so far, the last of them not finished. */
function offered(...typed: readonly string[]): readonly string[] {
  const result = spawnSync(
    'bash',
    [
      '--norc',
      '-c',
      'set -u; source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _dbadmin; printf "%s\\n" ${COMPREPLY[@]+"${COMPREPLY[@]}"}',
      'bash',
      script,
      'dbadmin',
      ...typed,
    ],
    { encoding: 'utf8', cwd: directory },
  );
  expect(result.stderr).toBe('');
  return result.stdout.split('\n').filter((line) => line !== '');
}

test.skipIf(!has('bash', '--version'))('bash completes groups, verbs, options, values of options and files', () => {
  expect(offered('sched')).toEqual(['schedule']);
  expect(offered('schedule', 'ex')).toEqual(['export']);
  expect(offered('schedule', 'export', '--sys')).toEqual(['--systemd']);
  expect(offered('--config', 'x.yaml', 'backup', 'dr')).toEqual(['drill']);
  expect(offered('status', '--nag')).toEqual(['--nagios']);
  expect(offered('status', '--config', 'dbadmin.b')).toEqual(['dbadmin.bash']);
  const choice = words.flatMap(({ name, options }) =>
    options.flatMap(({ flag, value }) => (typeof value === 'string' ? [] : [{ name, flag, value }])),
  )[0];
  expect(choice).toBeDefined();
  expect(offered(...(choice?.name.split(' ') ?? []), choice?.flag ?? '', '')).toEqual(choice?.value);
  expect(offered('nosuch', 'x')).toEqual([]);
});

test.skipIf(!has('zsh', '--version'))('zsh reads its script', () => {
  const file = path.join(directory, '_dbadmin');
  writeFileSync(file, zshCompletion(words));
  const { status, stderr } = spawnSync('zsh', ['-n', file], { encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
});

test.skipIf(!has('fish', '--version'))('fish completes groups and verbs', () => {
  const file = path.join(directory, 'dbadmin.fish');
  writeFileSync(file, fishCompletion(words));
  const { stdout } = spawnSync('fish', ['--no-config', '-c', `source ${file}; complete -C'dbadmin schedule ex'`], { encoding: 'utf8' });
  expect(stdout).toMatch(/^export\t/);
});

test.skipIf(!has('groff', '--version'))('the manual page is set without a warning', () => {
  const { status, stderr, stdout } = spawnSync('groff', ['-man', '-Tutf8', '-ww'], {
    input: manualPage(COMMANDS, '0.1.0'),
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toContain('schedule export');
});
