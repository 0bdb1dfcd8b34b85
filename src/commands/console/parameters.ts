import { z } from 'zod';

/** A text of a sensible length: a name, a moment, a pattern. */
export const text = z.string().min(1).max(300);
export const optionalText = text.optional();
/** One or several of one name: `?role=a&role=b`. */
export const texts = z.union([text.transform((one) => [one]), z.array(text).max(50)]).optional();
/** A flag of the command: `?all=yes`. */
export const flag = z.literal('yes').optional();

/** `--name value`, or nothing when there is no value; once for each of several. */
export function option(name: string, value: string | readonly string[] | undefined): readonly string[] {
  if (value === undefined) return [];
  return (typeof value === 'string' ? [value] : value).flatMap((each) => [`--${name}`, each]);
}

export function flagged(name: string, value: 'yes' | undefined): readonly string[] {
  return value === undefined ? [] : [`--${name}`];
}
