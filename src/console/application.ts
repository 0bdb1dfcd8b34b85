import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { getCookie } from 'hono/cookie';
import { DbadminError } from '../base/errors.ts';
import { toJson } from '../base/json.ts';
import type { Answers } from './answers.ts';
import type { AuditTrail } from './audit.ts';
import { addActing, type Acting } from './act-routes.ts';
import { addAsking } from './ask-route.ts';
import type { Asking } from './asking.ts';
import type { Asset } from './assets-inspect.ts';
import { eventStream } from './event-stream.ts';
import { failureOf } from './failure.ts';
import { addJobLog, type FollowJobLog } from './job-log-stream.ts';
import type { LiveLook } from './live-look.ts';
import { addPictures, type ReadCover } from './pictures.ts';
import { cookieName, isOurHost, isOurOrigin, securityHeaders, type Reached } from './request-guard.ts';
import type { Guarded, GuardedApp, GuardedContext } from './guarded.ts';
import { addSessions } from './session-routes.ts';
import { sessionDocument } from './session-document.ts';
import { addOidcDoor, type OidcDoorOptions } from './oidc-door.ts';
import { endRemovedSessions } from './session-watch-run.ts';
import { addSignIn } from './sign-in.ts';

export interface ApplicationOptions extends OidcDoorOptions {
  readonly answers: Answers;
  readonly live: LiveLook;
  readonly asking: Asking;
  readonly acting: Acting;
  readonly readCover: ReadCover;
  readonly jobLog: FollowJobLog;
  readonly assets: ReadonlyMap<string, Asset>;
}

/** A request's body at most: what is sent here is a form, not a file. */
const MOST_BODY_BYTES = 64 * 1024;

/**
 * The console as a function from request to answer. In this order a request meets: the host it names, our headers, the size
 * of its body; below /api where it came from and, but for signing in, who sends it.
 */
export function consoleApplication(options: ApplicationOptions): GuardedApp {
  const { answers, live, sessions, reached } = options;
  const app: GuardedApp = new Hono<Guarded>();
  app.onError((error, context) => {
    const { status, document } = failureOf(error);
    if (status === 500) options.log.warn(`console: ${context.req.method} ${context.req.path}: ${error.message}`);
    return context.json(document, status, { 'cache-control': 'no-store' });
  });
  app.notFound((context) => context.json({ error: { code: 'usage', message: `there is no ${context.req.path}` } }, 404));
  guardRequests(app, reached);
  addSignIn(app, options);
  addOidcDoor(app, options);
  guardSessions(app, options);
  app.get('/api/session', (context) => context.json(sessionDocument(context.var.session, answers)));
  addSessions(app, sessions, options.audit);
  app.get('/api/status', async (context) => send(context, await live.current()));
  app.get('/api/audit', async (context) => send(context, lastOf(await answers.audit(), Number(context.req.query('last')))));
  app.get('/api/lags', (context) => context.json({ series: answers.lags() }));
  app.get('/api/events', (context) => eventStream(context, live, () => sessions.find(context.var.token, false) !== undefined));
  addAsking(app, options.asking, options.log);
  addPictures(app, options.readCover);
  addActing(app, options.acting, options.audit, sessions);
  addJobLog(app, options.jobLog, (token) => sessions.find(token, false) !== undefined);
  addAssets(app, options.assets);
  return app;
}

function guardRequests(app: GuardedApp, reached: Reached): void {
  const headers = Object.entries(securityHeaders(reached.scheme));
  app.use(async (context, next) => {
    for (const [name, value] of headers) context.header(name, value);
    // Events and logs come as they happen, also through a proxy that would gather them first.
    if (context.req.path.startsWith('/api/')) context.header('x-accel-buffering', 'no');
    const host = context.req.header('host');
    if (!isOurHost(host, reached)) {
      throw new DbadminError('refused', `this console does not answer to the host "${(host ?? '').slice(0, 100)}"`, {
        hint: 'Name the hosts under which it is reached when it starts: dbadmin console --host NAME.',
      });
    }
    await next();
  });
  app.use(
    bodyLimit({
      maxSize: MOST_BODY_BYTES,
      onError: () => {
        throw new DbadminError('usage', 'the request is too large');
      },
    }),
  );
  app.use('/api/*', async (context, next) => {
    context.header('cache-control', 'no-store');
    // A browser that sends this header tells truly where a request came from; other pages get nothing.
    const site = context.req.header('sec-fetch-site');
    const isForeign = site !== undefined && site !== 'same-origin' && site !== 'none';
    const changes = !isReading(context.req.method);
    if (isForeign || (changes && !isOurOrigin(context.req.header('origin'), context.req.header('host'), reached))) {
      throw new DbadminError('refused', 'the request did not come from a page of this console', foreignness(context, reached));
    }
    if (changes && !/^application\/json\b/.test(context.req.header('content-type') ?? ''))
      throw new DbadminError('usage', 'the request is no JSON');
    await next();
  });
}

/** A proxy that passes on another name than the browser's refuses everybody: it is told what arrived, and what is needed. */
function foreignness(context: GuardedContext, { scheme }: Reached): { readonly detail?: string; readonly hint?: string } {
  const origin = context.req.header('origin');
  if (origin === undefined || scheme !== 'https') return {};
  return {
    detail: `It came from ${origin.slice(0, 200)} and was sent to the host "${(context.req.header('host') ?? '').slice(0, 100)}".`,
    hint: 'Behind a proxy: it has to pass on Host as the browser sent it, with its port.',
  };
}

function guardSessions(app: GuardedApp, options: ApplicationOptions): void {
  const { sessions, reached } = options;
  app.use('/api/*', async (context, next) => {
    await endRemovedSessions(options);
    const token = getCookie(context, cookieName(reached.scheme)) ?? '';
    // What a page asks by itself is no sign of anybody in front of it; that it says by asking for its session.
    const session = sessions.find(token, context.req.path === '/api/session' || !isReading(context.req.method));
    if (session === undefined) throw new DbadminError('sign-in-needed', 'nobody is signed in, or the session has ended');
    if (!isReading(context.req.method) && context.req.header('x-csrf-token') !== session.csrf)
      throw new DbadminError('refused', 'the request lacks the token of its session');
    context.set('session', session);
    context.set('token', token);
    await next();
  });
}

function addAssets(app: GuardedApp, assets: ReadonlyMap<string, Asset>): void {
  app.get('*', (context) => {
    const { path } = context.req;
    // The application finds its own way: a screen's address gives the page, a file's the file or nothing.
    const asset = assets.get(path === '/' || !/\.\w+$/.test(path) ? '/index.html' : path);
    if (asset === undefined) return context.notFound();
    const isZipped = /\bgzip\b/.test(context.req.header('accept-encoding') ?? '');
    return context.body(isZipped ? asset.gzipped : asset.body, 200, {
      'content-type': asset.type,
      'cache-control': asset.isNamedByContent ? 'public, max-age=31536000, immutable' : 'no-cache',
      vary: 'accept-encoding',
      'content-length': String((isZipped ? asset.gzipped : asset.body).length),
      ...(isZipped ? { 'content-encoding': 'gzip' } : {}),
    });
  });
}

/** The whole trail, or its last entries; how many there are is said in either case. */
function lastOf({ entries, ...trail }: AuditTrail, last: number): object {
  const shown = Number.isInteger(last) && last > 0 ? entries.slice(-last) : entries;
  return { ...trail, entries: shown, total: entries.length };
}

function isReading(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}

function send(context: GuardedContext, document: object): Response {
  return context.body(toJson(document), 200, { 'content-type': 'application/json; charset=utf-8' });
}
