import { z } from 'zod';
import { action, type Action } from '../../../console/action.ts';
import { flag, flagged, option, optionalText, text } from '../parameters.ts';

const job = z.strictObject({ job: text });
const running = z.strictObject({ job: text, evenIfPaused: flag });

export const SCHEDULE_ACTIONS: readonly Action[] = [
  action({
    name: 'schedule/run',
    parameters: running,
    apply: (values) => ['schedule', 'run', values.job, ...flagged('even-if-paused', values.evenIfPaused)],
  }),
  action({
    name: 'schedule/run-by-worker',
    parameters: running,
    apply: (values) => ['schedule', 'run', values.job, '--worker', ...flagged('even-if-paused', values.evenIfPaused)],
  }),
  action({
    name: 'schedule/pause',
    parameters: z.strictObject({ job: text, reason: optionalText }),
    apply: ({ job: name, reason }) => ['schedule', 'pause', name, ...option('reason', reason)],
  }),
  action({ name: 'schedule/resume', parameters: job, apply: (values) => ['schedule', 'resume', values.job] }),
];
