import { writeFileSync } from 'node:fs';
import { DbadminError } from '../../src/base/errors.ts';
import { Secret } from '../../src/base/secret.ts';
import type { ConnectionParameters } from '../../src/postgres/parameters.ts';
import { openRepository } from '../../src/repository/repository.ts';
import { openDiskStore } from '../../src/storage/disk.ts';
import { breakable, FAULT_KINDS, meets, type FaultKind } from './broken-store.ts';
import { runSwept, type Swept, type SweptPlace } from './sweep-operations.ts';

/** What the sweep sends its child, which waits for it with everything loaded. */
export interface ChildTask {
  readonly operation: Swept;
  readonly place: Omit<SweptPlace, 'open' | 'parameters'>;
  readonly parameters: Omit<ConnectionParameters, 'password'>;
  readonly password: string | null;
  readonly kind: FaultKind;
  /** Which of the calls that can go wrong in this way does, from 0 on; -1 for none. */
  readonly at: number;
  /** A file that is made before the process kills itself: the kernel kills with the same signal where memory is short. */
  readonly killing: string;
}

/** `passedOver`: the keys of objects that were found damaged on the way, which the user is told of. */
export interface Acknowledged {
  readonly acknowledged: readonly string[];
  readonly passedOver: readonly string[];
}

/** What a child that lived says in the end. */
export interface ChildAnswer {
  /** How many calls can go wrong in each way. */
  readonly calls: Readonly<Record<FaultKind, number>>;
  /** What was acknowledged, or why nothing was. */
  readonly outcome: Acknowledged | { readonly code: string; readonly message: string };
}

process.once('message', (task: ChildTask) => {
  void run(task).then((answer) => process.send?.(answer, () => process.exit()));
});

async function run({ operation, place, parameters, password, kind, at, killing }: ChildTask): Promise<ChildAnswer> {
  const calls = { fails: 0, 'answer-lost': 0, half: 0, killed: 0, torn: 0 };
  const passedOver: string[] = [];
  const end = (): never => {
    if (kind === 'killed' || kind === 'torn') {
      writeFileSync(killing, '');
      process.kill(process.pid, 'SIGKILL');
    }
    throw new DbadminError('storage-failed', `call ${at} of the store failed`);
  };
  const open: SweptPlace['open'] = async (directory) => {
    const store = breakable(await openDiskStore(directory), (call) => {
      for (const each of FAULT_KINDS) if (meets(each, call)) calls[each] += 1;
      return meets(kind, call) && calls[kind] === at + 1 ? { kind, end } : undefined;
    });
    return { ...(await openRepository(store, { kind: 'none' })), onDamaged: ({ key }) => void passedOver.push(key) };
  };
  const secret = password === null ? undefined : new Secret(password);
  try {
    const acknowledged = await runSwept(operation, { ...place, parameters: { ...parameters, password: secret }, open });
    return { calls, outcome: { acknowledged, passedOver } };
  } catch (error) {
    // A failure is one of ours, or a defect, which shows.
    if (!(error instanceof DbadminError)) throw error;
    return { calls, outcome: { code: error.code, message: error.message } };
  }
}
