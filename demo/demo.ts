import { parseArgs } from 'node:util';
import { runDemo } from './story.ts';

/** `npm run demo -- [--data DIR] [--major N] [--keep]`: the main job, end to end, on a server of its own. */
const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    major: { type: 'string', default: '17' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) {
  process.stdout.write(`npm run demo -- [options]
  --data DIR   load your own files (songs CSV, StreamingHistory*.json) instead of generated ones
  --major N    PostgreSQL 14 to 18 (17)
  --keep       leave the clusters running and the files in place, and say how to end them
`);
} else {
  process.exitCode = await runDemo({ data: values.data, major: Number(values.major), keep: values.keep });
}
