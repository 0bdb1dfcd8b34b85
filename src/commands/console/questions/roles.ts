import { z } from 'zod';
import { question, type Question } from '../../../console/question.ts';
import { flag, flagged, option, optionalText, text } from '../parameters.ts';

const cluster = z.strictObject({ cluster: optionalText });
/** The past is read in a clone that is restored for it. */
const inThePast = ({ at }: { readonly at?: string | undefined }): boolean => at !== undefined;
const access = { cluster: optionalText, database: optionalText, plan: flag };

/** Last, for it may take a file: with the plan of the roles file of the project. */
function whatIf(plan: 'yes' | undefined): readonly string[] {
  return flagged('what-if', plan);
}

export const ROLE_QUESTIONS: readonly Question[] = [
  question({
    name: 'roles/check',
    parameters: cluster,
    words: ({ cluster }) => ['roles', 'check', ...option('cluster', cluster)],
  }),
  question({
    name: 'roles/audit',
    parameters: cluster,
    words: ({ cluster }) => ['roles', 'audit', ...option('cluster', cluster)],
  }),
  question({
    name: 'roles/matrix',
    parameters: z.strictObject(access),
    words: ({ cluster, database, plan }) => [
      'roles',
      'matrix',
      ...option('cluster', cluster),
      ...option('database', database),
      ...whatIf(plan),
    ],
    keepMs: 2000,
  }),
  question({
    name: 'roles/who-can',
    parameters: z.strictObject({ ...access, privilege: text.regex(/^[a-z_]+$/), object: text, role: optionalText, at: optionalText }),
    words: ({ cluster, database, plan, privilege, object, role, at }) => [
      'roles',
      'who-can',
      privilege,
      object,
      ...option('role', role),
      ...option('cluster', cluster),
      ...option('database', database),
      ...option('at', at),
      ...whatIf(plan),
    ],
    isCostly: inThePast,
  }),
  question({
    name: 'roles/role-access',
    parameters: z.strictObject({ ...access, role: text, at: optionalText }),
    words: ({ cluster, database, plan, role, at }) => [
      'roles',
      'who-can',
      ...option('role', role),
      ...option('cluster', cluster),
      ...option('database', database),
      ...option('at', at),
      ...whatIf(plan),
    ],
    isCostly: inThePast,
  }),
  question({
    name: 'roles/graph',
    parameters: cluster,
    words: ({ cluster }) => ['roles', 'graph', '--memberships', ...option('cluster', cluster)],
  }),
  question({
    name: 'roles/history',
    parameters: z.strictObject({
      cluster: optionalText,
      run: z
        .string()
        .regex(/^\d{1,9}$/)
        .optional(),
    }),
    words: ({ cluster, run }) => ['roles', 'history', ...option('cluster', cluster), ...option('run', run)],
  }),
];
