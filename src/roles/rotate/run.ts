import { DbadminError } from '../../base/errors.ts';
import { openClient } from '../../postgres/client.ts';
import { APPLICATION_NAME } from '../inspect.ts';
import { inspectCluster, inSnapshot } from '../inspect-cluster.ts';
import { rotatePassword, type Rotation, type RotationOptions } from './apply.ts';
import { countOwnObjects, countSessions } from './inspect.ts';
import { differencesOfTwins } from './twins.ts';

/** Two logins that can stand in for one another, each with the file of its password. */
export interface Twins {
  readonly login: string;
  readonly file: string;
  readonly twin: string;
  readonly twinFile: string;
}

export interface TwinRotationOptions extends RotationOptions {
  /** Told of each rotation as soon as it is done: what comes after it may wait for hours, be interrupted and fail. */
  readonly onRotated?: (rotation: Rotation) => Promise<void>;
}

export interface TwinRotation {
  readonly twin: Rotation;
  /** The rotation of the login that was in use; undefined when it still is. */
  readonly retired: Rotation | undefined;
}

const POLL_MS = 1000;

/**
 * Rotates without a moment in which a password that clients have is refused: the twin that is not in use gets a new password,
 * clients go over to it, and only when it has sessions and the other has none that one's old password ends.
 *
 * `waitMs` is how long clients are waited for; with 0 the old login stays as it is, for a second run to end it.
 *
 * @throws {DbadminError} `refused` when the twins are not alike or the twin is in use, and what {@link rotatePassword} throws.
 */
export async function rotateTwins(twins: Twins, waitMs: number, options: TwinRotationOptions): Promise<TwinRotation> {
  await refuseUnlike(twins, options);
  const twin = await rotatePassword(twins.twin, twins.twinFile, options);
  await options.onRotated?.(twin);
  const isOver = waitMs > 0 && (await awaitSwitch(twins, waitMs, options));
  if (!isOver) return { twin, retired: undefined };
  const retired = await rotatePassword(twins.login, twins.file, options);
  await options.onRotated?.(retired);
  return { twin, retired };
}

async function refuseUnlike({ login, twin }: Twins, options: RotationOptions): Promise<void> {
  const sql = await openClient({ ...options.connection, database: options.maintenanceDatabase }, { applicationName: APPLICATION_NAME });
  try {
    const cluster = await inSnapshot(sql, async (snapshot) => await inspectCluster(snapshot, []));
    const own = await countOwnObjects(sql, login, twin);
    const differences = [
      ...differencesOfTwins(cluster, login, twin),
      ...(own === 0 ? [] : [`${login} owns, or has privileges on, ${own} object${own === 1 ? '' : 's'} that ${twin} has none on`]),
    ];
    if (differences.length > 0) {
      throw new DbadminError('refused', `${twin} cannot stand in for ${login}`, {
        detail: `${differences.join('\n')}\nNothing was changed.`,
        hint: 'Give both the same groups and settings in roles.yaml, and privileges to the groups alone.',
      });
    }
    const sessions = await countSessions(sql, twin);
    if (sessions > 0) {
      throw new DbadminError('refused', `${twin} has ${sessions} session${sessions === 1 ? '' : 's'}: it is the one in use`, {
        detail: 'Its clients would be refused with a new password. Nothing was changed.',
        hint: `Rotate the other one: dbadmin roles rotate ${twin} --with ${login}; or end what is left of an earlier rotation: dbadmin roles rotate ${login}.`,
      });
    }
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** Whether the clients went over in time: the twin has sessions, and the other has none. */
async function awaitSwitch({ login, twin }: Twins, waitMs: number, options: RotationOptions): Promise<boolean> {
  const sql = await openClient({ ...options.connection, database: options.maintenanceDatabase }, { applicationName: APPLICATION_NAME });
  const deadlineMs = options.clock.now().getTime() + waitMs;
  try {
    for (;;) {
      options.signal.throwIfAborted();
      if ((await countSessions(sql, twin)) > 0 && (await countSessions(sql, login)) === 0) return true;
      if (options.clock.now().getTime() >= deadlineMs) return false;
      await options.clock.sleep(POLL_MS, options.signal);
    }
  } finally {
    await sql.end({ timeout: 1 });
  }
}
