import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { COMMANDS } from '../src/commands/catalogue.ts';
import { manualPage } from '../src/commands/manual.ts';
import { commandsReference, jsonReference } from '../src/commands/reference.ts';
import { configSchema, repositoriesSchema } from '../src/config/schema.ts';
import { rulesReference } from '../src/migrate/lint/format/reference.ts';
import { RULES } from '../src/migrate/lint/rules/table.ts';
import { AUDIT_RULES } from '../src/roles/audit/audit.ts';
import { auditReference } from '../src/roles/audit/reference.ts';
import { rolesSchema } from '../src/roles/document/schema.ts';
import { policiesSchema } from '../src/schedule/schema.ts';

/** Every file made from the code, by its path in the repository. */
export function generatedFiles(): ReadonlyMap<string, string> {
  return new Map([
    ['docs/reference/commands.md', commandsReference(COMMANDS)],
    ['docs/reference/json.md', jsonReference(COMMANDS)],
    ['docs/reference/lint.md', rulesReference(RULES)],
    ['docs/reference/audit.md', auditReference(AUDIT_RULES)],
    ['man/dbadmin.1', manualPage(COMMANDS, packageVersion())],
    ['schemas/dbadmin.schema.json', schemaText(configSchema, 'dbadmin.yaml')],
    // The schedule leaves the form of repositories to the configuration; an editor wants both.
    [
      'schemas/policies.schema.json',
      schemaText(policiesSchema.extend({ repositories: repositoriesSchema.optional() }), 'backups/policies.yaml'),
    ],
    ['schemas/roles.schema.json', schemaText(rolesSchema, 'roles/roles.yaml')],
  ]);
}

function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { readonly version: string };
  return version;
}

function schemaText(schema: z.ZodType, title: string): string {
  const document = z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-2020-12',
    ...(schema === rolesSchema ? {} : { override: allowVariables }),
  });
  return `${JSON.stringify({ ...document, title }, null, 2)}\n`;
}

/** A value of fixed form may also be `${NAME}`, which is filled in before its form is checked. Keys may not. */
function allowVariables({
  jsonSchema,
  path,
}: {
  readonly jsonSchema: z.core.JSONSchema.BaseSchema;
  readonly path: readonly (string | number)[];
}): void {
  const { type, pattern, format, enum: values } = jsonSchema;
  if (type !== 'string' || path.at(-1) === 'propertyNames' || (pattern ?? format ?? values) === undefined) return;
  const own = { ...jsonSchema };
  for (const key of Object.keys(own)) Reflect.deleteProperty(jsonSchema, key);
  jsonSchema.anyOf = [own, { type: 'string', pattern: String.raw`\$\{` }];
}

const root = fileURLToPath(new URL('..', import.meta.url));

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [file, text] of generatedFiles()) {
    const target = path.join(root, file);
    mkdirSync(path.dirname(target), { recursive: true });
    const before = readFileOrNothing(target);
    if (before !== text) writeFileSync(target, text);
    process.stdout.write(`${before === text ? 'unchanged' : 'written  '}  ${file}\n`);
  }
}

function readFileOrNothing(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
