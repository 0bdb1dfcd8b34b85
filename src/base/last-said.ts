import { NOT_EXPIRED } from './exit-status.ts';

/**
 * Why a command that ended with `status` did, by what it printed: the last `error: …`, with its detail; where only older backups or dumps did not expire, the
 * last `warning: …`.
 */
export function lastSaid(text: string, status: number | null): string | undefined {
  return lastOf(text, 'error') ?? (status === NOT_EXPIRED ? lastOf(text, 'warning') : undefined);
}

function lastOf(text: string, kind: 'error' | 'warning'): string | undefined {
  const [, message, detail] = [...text.matchAll(new RegExp(`^${kind}: (.*)(?:\\n {2}detail: (.*))?`, 'gm'))].at(-1) ?? [];
  return message === undefined ? undefined : [message, ...(detail === undefined ? [] : [detail])].join(': ');
}
