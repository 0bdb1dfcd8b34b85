import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { toJson } from '../base/json.ts';
import { DbadminError } from '../base/errors.ts';
import type { Action, ActionFiles } from './action.ts';
import { failureOf } from './failure.ts';
import { demandOperator, type Audit, type GuardedApp, type GuardedContext } from './guarded.ts';
import { commandLine, type Values } from './question.ts';
import type { Reviews } from './reviews.ts';
import { runStream } from './run-stream.ts';
import type { Runs } from './runs.ts';
import type { Sessions } from './sessions.ts';

/** What a plan said: the document of `--json`. */
export interface Planned {
  readonly exitStatus: number;
  readonly document: unknown;
}

export interface Acting {
  readonly actions: readonly Action[];
  readonly reviews: Reviews;
  readonly runs: Runs;
  /** Runs a command that plans, with all that the console's configuration may; failures are thrown. */
  readonly plan: (words: readonly string[], signal: AbortSignal) => Promise<Planned>;
  /** A place for the files of one review, known by `id`. */
  readonly files: (id: string) => ActionFiles;
  /** Removes the file of a review that is over. */
  readonly forget: (planFile: string) => void;
}

const reviewBody = z.strictObject({ parameters: z.record(z.string(), z.union([z.string(), z.array(z.string())])) });
const runBody = z.strictObject({ id: z.string().max(100) });

/** Reviewing and running actions, and looking at what runs. Only operators act; everybody signed in may look. */
export function addActing(app: GuardedApp, acting: Acting, audit: Audit, sessions: Sessions): void {
  const { runs, reviews } = acting;
  app.post('/api/actions/run', async (context) => {
    const { session } = context.var;
    const { id } = await bodyOf(context, runBody);
    await refuse(context, audit, { what: 'run what was reviewed', cluster: null }, () => demandOperator(session));
    const review = await refuse(context, audit, { what: 'run what was reviewed', cluster: null }, () => reviews.take(session, id));
    const { action, words, cluster, planFile } = review;
    const request = { action, words, cluster, who: session.user, from: context.env.address };
    try {
      return context.json(await runs.start(request, () => acting.forget(planFile)));
    } catch (error) {
      acting.forget(planFile);
      throw error;
    }
  });
  app.post('/api/actions/:area/:name/review', async (context) => await review(context, acting, audit));
  app.get('/api/runs', (context) => context.json({ runs: runs.list() }));
  app.get('/api/runs/:id', (context) => context.json(runs.get(context.req.param('id'))));
  app.get('/api/runs/:id/events', (context) => {
    const { id } = runs.get(context.req.param('id'));
    return runStream(context, runs, id, () => sessions.find(context.var.token, false) !== undefined);
  });
  app.post('/api/runs/:id/stop', async (context) => {
    const { session } = context.var;
    const { id, command, cluster } = runs.get(context.req.param('id'));
    const what = `stop ${command}`;
    await refuse(context, audit, { what, cluster }, () => demandOperator(session));
    const entry = { id: randomUUID(), who: session.user, from: context.env.address, what, cluster };
    await audit({ ...entry, outcome: 'done', detail: null });
    return context.json(runs.stop(id, session.user));
  });
}

async function review(context: GuardedContext, acting: Acting, audit: Audit): Promise<Response> {
  const { session } = context.var;
  const name = `${context.req.param('area') ?? ''}/${context.req.param('name') ?? ''}`;
  const action = acting.actions.find((each) => each.name === name);
  if (action === undefined) throw new DbadminError('usage', `there is no action "${name.slice(0, 60)}"`);
  const values: Values = (await bodyOf(context, reviewBody)).parameters;
  const files = acting.files(randomUUID());
  const words = action.apply(values, files);
  const cluster = action.cluster(values);
  await refuse(context, audit, { what: commandLine(words), cluster }, () => demandOperator(session));
  const planning = action.review(values, files);
  let planned: Planned | undefined;
  try {
    planned = planning === undefined ? undefined : await acting.plan(planning, context.req.raw.signal);
  } catch (error) {
    acting.forget(files.plan);
    const { status, document } = failureOf(error);
    return context.json({ ...document, command: commandLine([...(planning ?? words), '--json']) }, status);
  }
  const { id, expiresAt } = acting.reviews.add(session, name, { words, cluster, planFile: files.plan });
  return context.body(
    toJson({
      id,
      command: commandLine(words),
      planCommand: planning === undefined ? null : commandLine([...planning, '--json']),
      plan: planned?.document ?? null,
      planExitStatus: planned?.exitStatus ?? null,
      expiresAt,
    }),
    200,
    { 'content-type': 'application/json; charset=utf-8' },
  );
}

/** Does it, or writes down who was refused what. */
async function refuse<T>(
  context: GuardedContext,
  audit: Audit,
  { what, cluster }: { readonly what: string; readonly cluster: string | null },
  attempt: () => T,
): Promise<T> {
  try {
    return attempt();
  } catch (error) {
    const detail = error instanceof DbadminError ? error.message : null;
    const entry = { id: randomUUID(), who: context.var.session.user, from: context.env.address, what, cluster };
    await audit({ ...entry, outcome: 'refused', detail });
    throw error;
  }
}

async function bodyOf<Schema extends z.ZodType>(context: GuardedContext, schema: Schema): Promise<z.infer<Schema>> {
  const body = schema.safeParse(await context.req.json().catch(() => undefined));
  if (body.success) return body.data;
  throw new DbadminError('usage', 'the request is not what this takes');
}
