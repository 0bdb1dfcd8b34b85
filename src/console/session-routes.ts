import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { DbadminError } from '../base/errors.ts';
import type { Audit, GuardedApp } from './guarded.ts';
import type { Sessions } from './sessions.ts';

const endBody = z.union([z.strictObject({ id: z.string().max(100) }), z.strictObject({ others: z.literal(true) })]);

/** One's own sessions: where one is signed in, and a way out of each. Nobody sees or ends those of somebody else here. */
export function addSessions(app: GuardedApp, sessions: Sessions, audit: Audit): void {
  app.get('/api/sessions', (context) => {
    const own = sessions.ownOf(context.var.token).map(({ beganAt, usedAt, endsAt, ...rest }) => ({
      ...rest,
      beganAt: beganAt.toISOString(),
      usedAt: usedAt.toISOString(),
      endsAt: endsAt.toISOString(),
    }));
    return context.json({ sessions: own });
  });
  app.post('/api/sessions/end', async (context) => {
    const body = endBody.safeParse(await context.req.json().catch(() => undefined));
    if (!body.success) throw new DbadminError('usage', 'name the session to end, or say others');
    const { token, session } = context.var;
    const wanted = body.data;
    const chosen = sessions.ownOf(token).filter((own) => ('id' in wanted ? own.id === wanted.id : !own.isThis));
    if (chosen.length === 0 && 'id' in wanted) throw new DbadminError('usage', 'there is no such session of yours any more');
    for (const { id, from, device } of chosen) {
      const detail = `the session from ${from} (${device}) was ended by its owner`;
      const entry = { id: randomUUID(), who: session.user, from: context.env.address, what: 'sign-out', cluster: null, detail };
      await audit({ ...entry, outcome: 'done' });
      sessions.endOwn(token, id);
    }
    return context.json({ ended: chosen.length });
  });
}
