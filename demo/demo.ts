import { parseArgs } from 'node:util';
import { runConsoleDemo } from './console.ts';
import { runDemo } from './story.ts';

/** `npm run demo -- [--console] [--data DIR] [--major N] [--keep]`: the main job, end to end, on a server of its own. */
const { values } = parseArgs({
  options: {
    console: { type: 'boolean', default: false },
    port: { type: 'string', default: '9188' },
    data: { type: 'string' },
    plays: { type: 'string', default: '20000' },
    major: { type: 'string', default: '17' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) {
  process.stdout.write(`npm run demo -- [options]
  --console    two clusters with some days' trouble, open in the web console until Ctrl-C
  --port N     where the console listens on loopback, 0 for any (9188)
  --data DIR   load your own files (songs CSV, StreamingHistory*.json) instead of generated ones
  --plays N    how many plays are generated (20000)
  --major N    PostgreSQL 14 to 18 (17)
  --keep       leave the clusters running and the files in place, and say how to end them
`);
} else {
  const common = { data: values.data, plays: Number(values.plays), major: Number(values.major) };
  process.exitCode = values.console
    ? await runConsoleDemo({ ...common, port: Number(values.port) })
    : await runDemo({ ...common, keep: values.keep });
}
