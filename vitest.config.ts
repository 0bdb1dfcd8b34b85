import { defineConfig } from 'vitest/config';
import { isWriteToClosedConnection } from './src/postgres/driver-faults.ts';
import { COMPILE_CACHE } from './test/built-command.ts';
import DealtOut from './test/sequencer.ts';

// What comes is waited for longer than the second that is the library's own: beside another file, a second is nothing.
const patient = { expect: { poll: { timeout: 20_000 } } };
const slow = { ...patient, testTimeout: 120_000, hookTimeout: 180_000 };
// One set of servers for all projects of a run.
const servers = { globalSetup: ['test/postgres/global-setup.ts'] };

// For what the test files start: each thread of a backup or a restore would otherwise take the types out of its files and compile
// them anew, which takes longer than most of their work.
for (const [name, value] of Object.entries(COMPILE_CACHE)) process.env[name] ??= value;

export default defineConfig({
  test: {
    // As many as the machines that these run on have cores: with one more the whole takes little less, and tests of times fail now and then.
    maxWorkers: 2,
    sequence: { sequencer: DealtOut },
    reporters: ['default', './test/summary-reporter.ts'],
    // Servers are killed here while clients write to them: what the driver then throws past everybody fails no command either.
    onUnhandledError: ({ message, stack }) =>
      isWriteToClosedConnection(Object.assign(new TypeError(message), { stack })) ? false : undefined,
    projects: [
      // Values only: a process for each of these files would take longer than its tests.
      { test: { name: 'unit', isolate: false, testTimeout: 30_000, include: ['test/unit/**/*.test.ts'] } },
      { test: { name: 'contract', include: ['test/contract/**/*.test.ts'], ...patient, testTimeout: 60_000, hookTimeout: 120_000 } },
      { test: { name: 'live', include: ['test/live/**/*.test.ts'], ...servers, ...slow } },
      { test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], ...servers, ...slow } },
      { test: { name: 'fault', include: ['test/fault/**/*.test.ts'], ...servers, ...slow } },
    ],
  },
});
