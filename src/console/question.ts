import type { z } from 'zod';
import { DbadminError } from '../base/errors.ts';
import { shellWord } from '../base/shell-word.ts';

/** What a browser sent with a question: texts by name, several of one name as an array. */
export type Values = Readonly<Record<string, string | readonly string[]>>;

/** A command that only reads, and that the console answers with: nothing but these can be asked. */
export interface Question {
  /** `backups/info`: the end of the address at which it is asked. */
  readonly name: string;
  /** An answer that is no older serves the next who asks the same; 0 unless stated. */
  readonly keepMs: number;
  /** Whether answering makes a server or a clone of one: of those one is made at a time, and a viewer has another only after minutes. */
  readonly isCostly: (values: Values) => boolean;
  /**
   * The words of the command without `--json`, when the values are what it takes.
   *
   * @throws {DbadminError} `usage`
   */
  readonly words: (values: Values) => readonly string[];
}

interface QuestionParts<Schema extends z.ZodType> {
  readonly name: string;
  /** What may be sent with it: texts, or arrays of texts where one name may come several times. Nothing else is let in. */
  readonly parameters: Schema;
  readonly words: (parameters: z.infer<Schema>) => readonly string[];
  readonly keepMs?: number;
  readonly isCostly?: (parameters: z.infer<Schema>) => boolean;
}

/** A question from its parts; what a browser sends can fill in values of the command, and never become an option of it. */
export function question<Schema extends z.ZodType>({
  name,
  parameters,
  words,
  keepMs = 0,
  isCostly = () => false,
}: QuestionParts<Schema>): Question {
  return {
    name,
    keepMs,
    isCostly: (values) => isCostly(readValues(name, parameters, values)),
    words: (values) => safeWords(values, words(readValues(name, parameters, values))),
  };
}

/**
 * The parameters that `values` are.
 *
 * @throws {DbadminError} `usage`
 */
export function readValues<Schema extends z.ZodType>(name: string, parameters: Schema, values: Values): z.infer<Schema> {
  for (const value of Object.values(values).flat()) {
    // What begins so would be an option to the command, wherever it stands.
    if (value.startsWith('-')) throw new DbadminError('usage', `"${shortened(value)}" begins like an option`);
    if (CONTROL.test(value)) throw new DbadminError('usage', 'a value with control characters is not taken');
  }
  const parsed = parameters.safeParse(values);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the question'}: ${message}.`);
  throw new DbadminError('usage', `${name} was asked with values that it does not take`, { detail: problems.join('\n') });
}

/** No word that looks like an option may come out of a value: not even where one was cut in pieces. */
export function safeWords(values: Values, words: readonly string[]): readonly string[] {
  const given = Object.values(values).flat();
  for (const word of words) {
    const [option = ''] = word.split('=', 1);
    if (option.startsWith('-') && given.some((value) => value.includes(option)))
      throw new DbadminError('usage', `"${shortened(option)}" came out of a value`);
  }
  return words;
}

/** A command as it can be typed into a shell. */
export function commandLine(words: readonly string[]): string {
  return ['dbadmin', ...words].map(shellWord).join(' ');
}

const CONTROL = /\p{Cc}/u;

function shortened(value: string): string {
  return value.length > 60 ? `${value.slice(0, 60)}…` : value;
}
