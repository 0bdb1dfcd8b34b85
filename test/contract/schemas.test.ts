import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { planScaffold } from '../../src/config/scaffold.ts';

const ROOT = path.join(import.meta.dirname, '..', '..');
const NAMES = ['dbadmin', 'policies', 'roles'] as const;
type Name = (typeof NAMES)[number];

const ajv = new Ajv2020({ allErrors: true, validateFormats: false, strict: false });
const validators = new Map<Name, ValidateFunction>(
  NAMES.map((name) => [name, ajv.compile(JSON.parse(read(`schemas/${name}.schema.json`)) as object)]),
);

function read(file: string): string {
  return readFileSync(path.join(ROOT, file), 'utf8');
}

/** What an editor would mark in a file. */
function marks(name: Name, value: unknown): readonly string[] {
  const validate = validators.get(name);
  if (validate === undefined) throw new Error(`no schema ${name}`);
  validate(value);
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message ?? ''}`);
}

test.each([
  ['dbadmin', 'dbadmin.yaml'],
  ['policies', 'backups/policies.yaml'],
  ['roles', 'roles/roles.yaml'],
] as const)('the schema %s accepts %s, which names it', (name, file) => {
  const text = read(file);
  expect(marks(name, parse(text))).toEqual([]);
  const named = /^# yaml-language-server: \$schema=(.*)$/m.exec(text)?.[1];
  expect(path.resolve(ROOT, path.dirname(file), named ?? '')).toBe(path.join(ROOT, 'schemas', `${name}.schema.json`));
});

test('the schemas accept what dbadmin init makes, with and without a connection, and each file names its own', () => {
  const schemaOf = (file: string, name: string): string => `${path.dirname(file)}/${name}`;
  for (const url of [undefined, 'postgresql://app@db.example.org/shop']) {
    const entries = planScaffold({ url, passwordLines: url === undefined ? [] : ['x'], repositoryPath: './repository', schemaOf });
    for (const [name, file] of [
      ['dbadmin', 'dbadmin.yaml'],
      ['roles', 'roles/roles.yaml'],
      ['policies', 'backups/policies.yaml'],
    ] as const) {
      const entry = entries.find((each) => each.path === file);
      const text = entry?.kind === 'file' ? entry.text : '';
      expect(marks(name, parse(text)), file).toEqual([]);
      expect(text.split('\n', 1)[0]).toBe(`# yaml-language-server: $schema=${path.dirname(file)}/${name}`);
    }
  }
});

/** Keys at the top of an example, by the file that it is of; those of a database's section stand in one. */
const TOPS: Readonly<Record<string, Name | 'database'>> = {
  ...Object.fromEntries(
    ['clusters', 'repositories', 'default_cluster', 'control', 'paths', 'migrate', 'console'].map((key) => [key, 'dbadmin' as const]),
  ),
  ...Object.fromEntries(['policies', 'jobs', 'mail', 'notify'].map((key) => [key, 'policies' as const])),
  ...Object.fromEntries(
    ['mode', 'scope', 'profiles', 'groups', 'services', 'humans', 'databases', 'never', 'audit', 'parameters', 'retire'].map((key) => [
      key,
      'roles' as const,
    ]),
  ),
  ...Object.fromEntries(['access', 'columns', 'grants', 'row_security', 'owners'].map((key) => [key, 'database' as const])),
};

function examples(): readonly (readonly [string, string])[] {
  const files = ['README.md', ...readdirSync(path.join(ROOT, 'docs'), { recursive: true }).map((file) => `docs/${String(file)}`)];
  return files
    .filter((file) => file.endsWith('.md'))
    .flatMap((file) =>
      [...read(file).matchAll(/```yaml\n(.*?)```/gs)].map((match, index) => [`${file}, example ${index + 1}`, match[1] ?? ''] as const),
    );
}

describe('examples of the manual', () => {
  // Most are a part of a file: what such a part leaves out is elsewhere in it.
  test.each(examples())('%s is accepted by the schema of its file', (_place, text) => {
    const value = parse(text) as Readonly<Record<string, unknown>>;
    const key = Object.keys(value).find((each) => each in TOPS) ?? '';
    const named = NAMES.find((name) => text.includes(`/${name}.schema.json`));
    const top = TOPS[key] ?? named;
    expect(top, key).toBeDefined();
    if (top === undefined) return;
    const whole = top === 'database' ? { databases: { shop: value } } : value;
    const found = marks(top === 'database' ? 'roles' : top, { version: 1, ...whole });
    expect(found.filter((mark) => text.includes('version: 1') || !/must have required property/.test(mark))).toEqual([]);
  });

  test('there are enough of them for that to mean something', () => expect(examples().length).toBeGreaterThan(15));
});

test.each<[string, Name, string]>([
  ['a key that dbadmin.yaml does not have', 'dbadmin', 'clusters: { main: { hots: x } }'],
  ['a repository of no kind', 'dbadmin', 'repositories: { a: { type: tape } }'],
  ['a policy without its cluster', 'policies', 'policies: { a: { repositories: [b] } }'],
  ['a share that is none', 'policies', 'policies: { a: { cluster: c, repositories: [b], verify: { cron: "@daily", sample: half } } }'],
  ['an answer to alerts that does not exist', 'policies', 'notify: [{ email: a@b.example, on: [always] }]'],
  ['a privilege that does not exist', 'roles', 'profiles: { reader: { tables: [read] } }'],
])('%s is marked', (_what, name, text) => {
  expect(marks(name, { version: 1, ...(parse(text) as object) })).not.toEqual([]);
});
