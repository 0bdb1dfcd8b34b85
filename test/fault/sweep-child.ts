import { DbadminError } from '../../src/base/errors.ts';
import { Secret } from '../../src/base/secret.ts';
import type { ConnectionParameters } from '../../src/postgres/parameters.ts';
import { openRepository } from '../../src/repository/repository.ts';
import { openDiskStore } from '../../src/storage/disk.ts';
import { withFaults } from '../backup/failing-store.ts';
import { runSwept, type Swept } from './sweep-operations.ts';

/** Exit status when the operation failed as operations fail. */
const FAILED = 3;

/** What the sweep gives its child in the first argument. */
export interface ChildTask {
  readonly operation: Swept;
  readonly place: string;
  readonly parameters: Omit<ConnectionParameters, 'password'>;
  readonly password: string | null;
  /** The call of the store that fails, or before which this process ends by SIGKILL to itself. */
  readonly at: number;
  readonly kind: 'throw' | 'kill';
  readonly receiveMs: number;
}

const task = JSON.parse(process.argv[2] ?? '') as ChildTask;
const store = withFaults(await openDiskStore(task.place), ({ number }) => {
  if (number !== task.at) return;
  if (task.kind === 'kill') process.kill(process.pid, 'SIGKILL');
  throw new DbadminError('storage-failed', `call ${task.at} of the store failed`);
});
const parameters = { ...task.parameters, password: task.password === null ? undefined : new Secret(task.password) };
try {
  const repository = await openRepository(store, { kind: 'none' });
  await runSwept(task.operation, repository, parameters, task.receiveMs);
} catch (error) {
  // A failure is one of ours, or a defect, which shows.
  if (!(error instanceof DbadminError)) throw error;
  process.exitCode = FAILED;
}
