import type { z } from 'zod';
import { readValues, safeWords, type Values } from './question.ts';

/** Files that a review may leave for its apply, in a directory that only this user can read. */
export interface ActionFiles {
  /** Where a plan is saved: `roles plan --out` it, `roles apply` it. */
  readonly plan: string;
}

/** Something an operator may do: a command of ours, with the command that shows what it would do. Nothing but these can be done. */
export interface Action {
  /** `roles/apply`: the end of the address at which it is reviewed. */
  readonly name: string;
  /** The words of the command that plans, without `--json`; undefined where there is none: then the command itself is reviewed. */
  readonly review: (values: Values, files: ActionFiles) => readonly string[] | undefined;
  /** The words of the command that does it, without `--yes`. */
  readonly apply: (values: Values, files: ActionFiles) => readonly string[];
  /** For the audit trail; null for what is about none. */
  readonly cluster: (values: Values) => string | null;
}

interface ActionParts<Schema extends z.ZodType> {
  readonly name: string;
  /** As those of a question: texts, or arrays of texts. */
  readonly parameters: Schema;
  readonly review?: (parameters: z.infer<Schema>, files: ActionFiles) => readonly string[] | undefined;
  readonly apply: (parameters: z.infer<Schema>, files: ActionFiles) => readonly string[];
  readonly cluster?: (parameters: z.infer<Schema>) => string | null | undefined;
}

/** An action from its parts; values that a browser sends never become options of a command. */
export function action<Schema extends z.ZodType>({ name, parameters, review, apply, cluster }: ActionParts<Schema>): Action {
  return {
    name,
    review: (values, files) => {
      const words = review?.(readValues(name, parameters, values), files);
      return words === undefined ? undefined : safeWords(values, words);
    },
    apply: (values, files) => safeWords(values, apply(readValues(name, parameters, values), files)),
    cluster: (values) => cluster?.(readValues(name, parameters, values)) ?? null,
  };
}
