import { defineConfig } from 'vitest/config';

const slow = { testTimeout: 120_000, hookTimeout: 180_000 };
// One set of servers for all projects of a run.
const servers = { globalSetup: ['test/postgres/global-setup.ts'] };

export default defineConfig({
  test: {
    maxWorkers: 2,
    reporters: ['default', './test/summary-reporter.ts'],
    projects: [
      { test: { name: 'unit', testTimeout: 30_000, include: ['test/unit/**/*.test.ts'] } },
      { test: { name: 'contract', include: ['test/contract/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 120_000 } },
      { test: { name: 'live', include: ['test/live/**/*.test.ts'], ...servers, ...slow } },
      { test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], ...servers, ...slow } },
      { test: { name: 'fault', include: ['test/fault/**/*.test.ts'], ...servers, ...slow } },
    ],
  },
});
