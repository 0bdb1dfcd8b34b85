import { z } from 'zod';
import { DbadminError } from './errors.ts';
import { parseBytes } from './bytes.ts';
import { LONGEST_DURATION_MS, parseDuration } from './durations.ts';
import { suggestion } from './spelling.ts';
import type { YamlPath, YamlSource } from './yaml-source.ts';

/** A map with exactly these keys. An unknown key is refused with the known one it resembles. */
export function section<T extends z.ZodRawShape>(shape: T): z.ZodObject<T, z.core.$strict> {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys' ? (issue['keys'] as readonly string[]).map((key) => unknownKey(key, known)).join('\n') : undefined,
  });
}

function unknownKey(key: string, known: readonly string[]): string {
  const meant = suggestion(key, known);
  return `unknown key "${key}"${meant === '' ? `; known here: ${known.join(', ')}` : meant}`;
}

/** A span such as `5m`; stays text, so that the shape can be published. Read it with `parseDuration`. */
export const durationText = z
  .string()
  .refine((text) => reads(() => parseDuration(text)), 'not a duration: write numbers with ms, s, m, h, d or w, such as 5s, 14d or 1h30m')
  .refine(
    (text) => !reads(() => parseDuration(text)) || parseDuration(text) <= LONGEST_DURATION_MS,
    'must be 36500d, a hundred years, or less',
  );

/** A size such as `200MB`; stays text. Read it with `parseBytes`. */
export const sizeText = z
  .string()
  .refine((text) => reads(() => parseBytes(text)), 'not a size: write a number with kB, MB, GB, KiB, MiB or GiB, such as 200MB');

function reads(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch (error) {
    if (error instanceof DbadminError) return false;
    throw error;
  }
}

/** For a file that is read once: making code for its form takes longer than looking at it without. */
export const ONCE = { jitless: true } as const;

/**
 * The value of `source` in the form of `schema`, or undefined when it has another; every difference becomes a problem of
 * `source`, at the value or key that is wrong.
 */
export function checkShape<T extends z.ZodType>(source: YamlSource, schema: T, at: YamlPath = []): z.infer<T> | undefined {
  const outcome = schema.safeParse(valueAt(source.value, at), { error: (issue) => messageOf(issue), ...ONCE });
  if (outcome.success) return outcome.data;
  for (const issue of outcome.error.issues) report(source, at, issue);
  return undefined;
}

function report(source: YamlSource, at: YamlPath, issue: z.core.$ZodIssue): void {
  const path = [...at, ...(issue.path as (string | number)[])];
  const meant = issue.code === 'invalid_union' ? meantBranch(issue.errors) : undefined;
  if (meant !== undefined) {
    for (const inner of meant) report(source, path, inner);
  } else if (issue.code === 'unrecognized_keys') {
    const messages = issue.message.split('\n');
    for (const [index, key] of issue.keys.entries()) source.add([...path, key], messages[index] ?? issue.message, true);
  } else if (issue.code === 'invalid_key') {
    source.add(path, issue.issues[0]?.message ?? issue.message, true);
  } else {
    source.add(path, issue.message);
  }
}

/** The one form of several that the value was meant to have: the only one whose kind (map, text, number) is right. */
function meantBranch(branches: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] | undefined {
  const fitting = branches.filter(
    (issues) => !issues.some(({ path, code }) => path.length === 0 && (code === 'invalid_type' || code === 'invalid_value')),
  );
  return fitting.length === 1 ? fitting[0] : undefined;
}

function valueAt(value: unknown, path: YamlPath): unknown {
  let current = value;
  for (const step of path)
    current = typeof current === 'object' && current !== null ? (current as Record<string, unknown>)[step] : undefined;
  return current;
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
};

function messageOf(issue: z.core.$ZodRawIssue): string | undefined {
  const missing = issue.input === undefined ? `"${String(issue.path?.at(-1) ?? 'version')}" is missing` : undefined;
  if (issue.code === 'invalid_type') return missing ?? `expected ${KINDS[issue.expected] ?? issue.expected}, found ${kindOf(issue.input)}`;
  if (issue.code === 'invalid_value') {
    const values = issue.values.map(String);
    const meant = typeof issue.input === 'string' ? suggestion(issue.input, values) : '';
    return missing ?? `expected ${values.length === 1 ? values[0] : `one of ${values.join(', ')}`}${meant}`;
  }
  if (issue.code === 'invalid_union' && issue['discriminator'] !== undefined) {
    return `expected one of ${((issue['options'] as readonly unknown[] | undefined) ?? []).map(String).join(', ')}`;
  }
  if (issue.code === 'too_small') {
    if (issue.origin === 'string') return 'must not be empty';
    return issue.origin === 'array' ? `needs at least ${issue.minimum}` : `must be ${issue.minimum} or more`;
  }
  return issue.code === 'too_big' ? `must be ${issue.maximum} or less` : undefined;
}

/** What a value of a file is called in messages: `text`, `a list`, `nothing`. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  return KINDS[typeof value] ?? typeof value;
}
