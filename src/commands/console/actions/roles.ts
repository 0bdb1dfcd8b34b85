import { z } from 'zod';
import { action, type Action } from '../../../console/action.ts';
import { flag, flagged, option, optionalText, text } from '../parameters.ts';

export const ROLE_ACTIONS: readonly Action[] = [
  // The plan that was reviewed is the one that is applied: when the cluster or the file has changed since, roles apply says so.
  action({
    name: 'roles/apply',
    parameters: z.strictObject({ cluster: optionalText, drop: flag }),
    review: ({ cluster }, { plan }) => ['roles', 'plan', ...option('cluster', cluster), '--out', plan],
    apply: ({ cluster, drop }, { plan }) => ['roles', 'apply', plan, ...option('cluster', cluster), ...flagged('allow-drop', drop)],
    cluster: ({ cluster }) => cluster,
  }),
  // Prints the name of the file that the password went into, never the password.
  action({
    name: 'roles/rotate',
    parameters: z.strictObject({ cluster: optionalText, role: text }),
    apply: ({ cluster, role }) => ['roles', 'rotate', role, ...option('cluster', cluster)],
    cluster: ({ cluster }) => cluster,
  }),
];
