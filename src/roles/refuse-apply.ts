import { DbadminError } from '../base/errors.ts';
import type { Lack } from './lacks.ts';
import { sessionNote } from './plan-retirement.ts';
import type { RolesPlan } from './plan.ts';
import type { ObservedState } from './state.ts';

/** @throws {DbadminError} `privilege-missing` with everything that the plan needs and `role` may not do. */
export function refuseLacks({ lacks }: RolesPlan, role: string): void {
  const needed = lacks.filter(({ changes }) => changes.length > 0);
  if (needed.length === 0) return;
  const sql = needed.flatMap((lack) => lack.sql.map((statement) => `${statement};`));
  const things = `${needed.length} ${needed.length === 1 ? 'thing' : 'things'}`;
  throw new DbadminError('privilege-missing', `${role} lacks ${things} that the plan needs`, {
    detail: needed.map(lackText).join('\n'),
    hint: [
      'Nothing was changed.',
      ...(sql.length === 0 ? [] : ['As a superuser, first:', ...sql]),
      'Where a managed service allows more than PostgreSQL does, --try-anyway goes on.',
    ].join('\n'),
  });
}

const SHOWN_CHANGES = 3;

/** What is missing, and some of what needs it. */
export function lackText({ what, changes }: Lack): string {
  const shown = changes.slice(0, SHOWN_CHANGES).join('; ');
  const more = changes.length > SHOWN_CHANGES ? `; and ${changes.length - SHOWN_CHANGES} more` : '';
  return changes.length === 0 ? what : `${what} (${shown}${more})`;
}

/**
 * A role goes while nobody works as it, unless the file says that its sessions are to be ended.
 *
 * @throws {DbadminError} `refused` naming the roles that are in use.
 */
export function refuseSessions({ changes }: RolesPlan, { retired }: ObservedState): void {
  const dropped = changes.flatMap((change) => (change.kind === 'drop-role' ? [change.role] : []));
  const isEnded = (role: string): boolean => changes.some((change) => change.kind === 'retire-sessions' && change.role === role);
  const busy = [...retired.values()].filter(({ role, sessions }) => sessions > 0 && dropped.includes(role) && !isEnded(role));
  if (busy.length === 0) return;
  throw new DbadminError(
    'refused',
    busy.length === 1 ? 'a role to be retired is in use' : `${busy.length} roles to be retired are in use`,
    {
      detail: busy.map((role) => `${sessionNote(role)}.`).join('\n'),
      hint: "Nothing was changed. Who it is: SELECT * FROM pg_stat_activity WHERE usename = '…'.",
    },
  );
}
