import { expect, test } from 'vitest';
import { watchedSettings } from '../../../../src/backup/restore/production-settings.ts';

test.each([
  [{ lc_messages: ['en_US.UTF-8'], log_destination: ['jsonlog'], log_min_messages: ['error'] }, {}],
  [{ lc_messages: ['C'] }, {}],
  [{ lc_messages: ['C.UTF-8', 'de_DE.UTF-8'] }, { lc_messages: 'C' }],
  [{ lc_messages: [''] }, { lc_messages: 'C' }],
  [{}, { lc_messages: 'C' }],
  [{ lc_messages: ['POSIX'], log_min_messages: ['PANIC'] }, { log_min_messages: 'log' }],
  [{ lc_messages: ['C'], log_destination: ['syslog'] }, { log_destination: 'stderr' }],
  [{ lc_messages: ['C'], log_destination: ['syslog,stderr'] }, {}],
])('a production with %j is watched with %j', (said: Readonly<Record<string, readonly string[]>>, settings) => {
  expect(Object.fromEntries(watchedSettings((name) => said[name] ?? []))).toEqual(settings);
});
