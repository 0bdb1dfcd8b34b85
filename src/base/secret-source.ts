import { z } from 'zod';
import { section } from './yaml-shape.ts';

const fetched = z.discriminatedUnion('from', [
  section({ from: z.literal('env'), name: z.string().min(1) }),
  section({ from: z.literal('file'), path: z.string().min(1) }),
  section({ from: z.literal('command'), run: z.string().min(1) }),
]);

/**
 * A secret as a file states it: text (meant as `${NAME}`), or where to fetch it when it is needed: an environment
 * variable, a file's first line, or the first line that a command prints.
 */
export const secretSource = z.union([z.string(), fetched], {
  error: 'expected "${NAME}", { from: env, name: NAME }, { from: file, path: FILE } or { from: command, run: COMMAND }',
});

export type SecretSource = z.infer<typeof secretSource>;
