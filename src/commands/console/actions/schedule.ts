import { z } from 'zod';
import { action, type Action } from '../../../console/action.ts';
import { text } from '../parameters.ts';

export const SCHEDULE_ACTIONS: readonly Action[] = [
  action({
    name: 'schedule/run',
    parameters: z.strictObject({ job: text }),
    apply: ({ job }) => ['schedule', 'run', job],
  }),
];
