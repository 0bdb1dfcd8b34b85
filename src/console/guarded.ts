import type { Context, Hono } from 'hono';
import { DbadminError } from '../base/errors.ts';
import type { AuditEntry } from './audit.ts';
import type { Session } from './sessions.ts';

/** What a handler behind the door knows. */
export interface Guarded {
  readonly Variables: { session: Session; token: string };
  readonly Bindings: { readonly address: string };
}
export type GuardedApp = Hono<Guarded>;
export type GuardedContext = Context<Guarded>;

/** Writes to the audit trail. */
export type Audit = (entry: Omit<AuditEntry, 'at'>) => Promise<void>;

/** An operator, or the request ends here; every screen hides what a viewer cannot do, and this is what stops them. */
export function demandOperator({ role, user, by }: Session): void {
  if (role === 'operator') return;
  throw new DbadminError('refused', `${user} may look and not act`, {
    detail: 'This needs the role operator of the console.',
    hint:
      by.kind === 'provider'
        ? 'dbadmin.yaml names the groups of operators under console: oidc: roles.'
        : `On the machine of the console: dbadmin console user add ${user} --role operator --replace`,
  });
}
