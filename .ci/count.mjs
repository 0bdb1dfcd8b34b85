// Adds up the summaries of the test runs in a directory and prints what .ci/run ends with.
// Plain JavaScript: it runs on whatever Node the machine has, even when the pinned one could not be installed.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const [directory, failedChecks] = process.argv.slice(2);
const files = readdirSync(directory).filter((name) => name.endsWith('.json'));
const total = { passed: 0, failed: 0, skipped: 0 };
for (const file of files) {
  const summary = JSON.parse(readFileSync(path.join(directory, file), 'utf8'));
  total.passed += summary.passed;
  total.failed += summary.failed;
  total.skipped += summary.skipped.length;
  for (const line of summary.skipped) console.log(`skipped: ${line}`);
  for (const line of summary.failures) console.log(`failed: ${line}`);
}
// A check that failed, or a run that died before it could write its summary, must not end with "0 failed".
if (total.failed === 0) total.failed = Number(failedChecks);
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.passed > 0 && total.failed === 0 ? 0 : 1;
