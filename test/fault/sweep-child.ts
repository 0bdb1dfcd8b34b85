import { Secret } from '../../src/base/secret.ts';
import type { ConnectionParameters } from '../../src/postgres/parameters.ts';
import { openRepository } from '../../src/repository/repository.ts';
import { openDiskStore } from '../../src/storage/disk.ts';
import { withFaults } from '../backup/failing-store.ts';
import { runSwept, type Swept } from './sweep-operations.ts';

/** What the sweep gives its child in the first argument. */
export interface ChildTask {
  readonly operation: Swept;
  readonly place: string;
  readonly parameters: Omit<ConnectionParameters, 'password'>;
  readonly password: string | null;
  /** The call of the store before which this process ends, by SIGKILL to itself. */
  readonly killAt: number;
}

const task = JSON.parse(process.argv[2] ?? '') as ChildTask;
const store = withFaults(await openDiskStore(task.place), ({ number }) => {
  if (number === task.killAt) process.kill(process.pid, 'SIGKILL');
});
const repository = await openRepository(store, { kind: 'none' });
await runSwept(task.operation, repository, {
  ...task.parameters,
  password: task.password === null ? undefined : new Secret(task.password),
});
