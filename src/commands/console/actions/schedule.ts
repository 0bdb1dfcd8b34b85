import { z } from 'zod';
import { action, type Action } from '../../../console/action.ts';
import { flag, flagged, option, optionalText, text } from '../parameters.ts';

const job = z.strictObject({ job: text });
/** A reason, and an end: at a moment, or after a span. */
const lasting = { reason: optionalText, until: optionalText, for: optionalText };
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
    parameters: z.strictObject({ job: text, ...lasting }),
    apply: ({ job: name, reason, until, for: span }) =>
      ['schedule', 'pause', name].concat(option('until', until), option('for', span), option('reason', reason)),
  }),
  action({
    name: 'schedule/pause-all',
    parameters: z.strictObject({ cluster: optionalText, ...lasting }),
    apply: ({ cluster, reason, until, for: span }) =>
      ['schedule', 'pause', '--all'].concat(
        option('cluster', cluster),
        option('until', until),
        option('for', span),
        option('reason', reason),
      ),
  }),
  action({
    name: 'schedule/resume-all',
    parameters: z.strictObject({ cluster: optionalText }),
    apply: ({ cluster }) => ['schedule', 'resume', '--all', ...option('cluster', cluster)],
  }),
  action({ name: 'schedule/resume', parameters: job, apply: (values) => ['schedule', 'resume', values.job] }),
];
