import { formatBytes } from '../base/bytes.ts';
import { formatDuration } from '../base/durations.ts';
import { shellWord } from '../base/shell-word.ts';
import { fine, remark, wrong, type Examined } from './examined.ts';
import type { GuardedFile, Leftover } from './machine-inspect.ts';

const OLDEST_NODE = 24;
const LITTLE_ROOM = 1024 ** 3;

/** What this machine brings along. `room` is of the places in which clones are laid down. */
export function judgeMachine(
  nodeVersion: string,
  room: readonly { readonly place: string; readonly freeBytes: number }[],
  leftovers: readonly Leftover[],
): readonly Examined[] {
  const major = Number(/^v?(\d+)/.exec(nodeVersion)?.[1]);
  return [
    major >= OLDEST_NODE
      ? fine('machine', 'Node', nodeVersion)
      : wrong(
          'machine',
          'Node',
          `${nodeVersion}, and ${OLDEST_NODE} or newer is needed`,
          'commands fail where they use what it lacks',
          'install a newer Node',
        ),
    ...room.map(({ place, freeBytes }) =>
      freeBytes >= LITTLE_ROOM
        ? fine('machine', `room in ${place}`, `${formatBytes(freeBytes)} free`)
        : remark(
            'machine',
            `room in ${place}`,
            `${formatBytes(freeBytes)} free`,
            'drills and rehearsals lay a whole clone down there',
            'name another place with DBADMIN_SCRATCH',
          ),
    ),
    leftovers.length === 0
      ? fine('machine', 'left behind', 'no directories of runs that were killed')
      : wrong(
          'machine',
          'left behind',
          leftovers.map((each) => `${each.path} (${formatDuration(each.ageMs)} old)`).join(', '),
          'runs that were killed left them: they take room, and hold data of the database',
          `see that nothing runs in them, then: rm -r ${leftovers.map((each) => shellWord(each.path)).join(' ')}`,
        ),
  ];
}

/** Whether others may read what holds secrets. `secret`: its content is one; `user`: the uid that dbadmin runs as, where there are any. */
export function judgeFile(file: GuardedFile, secret: boolean, user: number | undefined): Examined {
  const what = file.path;
  if (file.failure !== undefined)
    return wrong('configuration', what, `cannot be looked at: ${file.failure}`, 'commands that need it fail', `let this user read it`);
  if (file.mode === undefined)
    return secret
      ? wrong('configuration', what, 'is not there', 'what it holds cannot be used', 'put it back, or name another')
      : fine('configuration', what, 'none');
  const mode = file.mode.toString(8).padStart(4, '0');
  if (secret && (file.mode & 0o077) !== 0)
    return wrong(
      'configuration',
      what,
      `mode ${mode}: others on this machine may read it`,
      'it holds a secret',
      `chmod 600 ${shellWord(what)}`,
    );
  if ((file.mode & 0o022) !== 0)
    return wrong(
      'configuration',
      what,
      `mode ${mode}: others may change it`,
      'it says what dbadmin runs, and dbadmin runs as you',
      `chmod go-w ${shellWord(what)}`,
    );
  // An owner may do with it whatever the mode says; root may anyhow.
  if (file.owner !== undefined && user !== undefined && file.owner !== user && file.owner !== 0)
    return remark(
      'configuration',
      what,
      `belongs to another user (uid ${file.owner}), who may change it`,
      secret ? 'it holds a secret, which that user knows' : 'it says what dbadmin runs, and dbadmin runs as you',
      `run dbadmin as that user, or: chown ${user} ${shellWord(what)}`,
    );
  return fine('configuration', what, `mode ${mode}`);
}
