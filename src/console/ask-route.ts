import { toJson } from '../base/json.ts';
import type { Log } from '../base/log.ts';
import type { Asking } from './asking.ts';
import { failureOf } from './failure.ts';
import type { GuardedApp } from './guarded.ts';
import { commandLine, type Values } from './question.ts';

const PREFIX = '/api/ask/';

/** `GET /api/ask/backups/info?cluster=main`: the answer, or the failure in the words of its command. */
export function addAsking(app: GuardedApp, asking: Asking, log: Log): void {
  app.get(`${PREFIX}*`, async (context) => {
    const name = context.req.path.slice(PREFIX.length);
    const values = valuesOf(context.req.queries());
    const command = commandLine([...asking.words(name, values), '--json']);
    try {
      const mayRepeat = context.var.session.role === 'operator';
      const answer = await asking.ask(name, values, context.req.raw.signal, mayRepeat);
      return context.body(toJson(answer), 200, { 'content-type': 'application/json; charset=utf-8' });
    } catch (error) {
      const { status, document } = failureOf(error);
      const { code, message } = document.error;
      log[code === 'internal' ? 'warn' : 'debug'](`console: ${command}: ${message}`);
      return context.json({ ...document, command }, status);
    }
  });
}

function valuesOf(queries: Readonly<Record<string, readonly string[]>>): Values {
  return Object.fromEntries(
    Object.entries(queries).map(([name, values]): [string, string | readonly string[]] => {
      const [only = '', ...others] = values;
      return [name, others.length === 0 ? only : values];
    }),
  );
}
