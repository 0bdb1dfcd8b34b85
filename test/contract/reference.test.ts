import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { generatedFiles } from '../../docs/generate.ts';
import { COMMANDS } from '../../src/commands/catalogue.ts';

test.each([...generatedFiles()])('%s is what the code would write now; else run npm run docs:reference', (file, text) => {
  expect(readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')).toBe(text);
});

test('every command loads, and says what --json prints unless its status is the whole answer', async () => {
  for (const spec of COMMANDS) {
    expect(spec.json ?? spec.failureStatus, `dbadmin ${spec.name}`).toBeDefined();
    const loaded = await spec.load();
    expect(loaded.run, `dbadmin ${spec.name}`).toBeTypeOf('function');
  }
});

test('the schemas refuse unknown keys, so that editors do', () => {
  for (const name of ['dbadmin', 'policies']) {
    const schema = JSON.parse(generatedFiles().get(`schemas/${name}.schema.json`) ?? '{}') as Record<string, unknown>;
    expect(schema).toMatchObject({ type: 'object', additionalProperties: false });
  }
});
