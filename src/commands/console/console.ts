import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { DbadminError, messageOf } from '../../base/errors.ts';
import { INSTALLED_IN } from '../../base/installation.ts';
import { Secret } from '../../base/secret.ts';
import { consoleApplication } from '../../console/application.ts';
import { Asking } from '../../console/asking.ts';
import { readAssets } from '../../console/assets-inspect.ts';
import { AuditFile } from '../../console/audit-apply.ts';
import type { Audit } from '../../console/guarded.ts';
import { listen, type Listening } from '../../console/listen-run.ts';
import { LiveLook } from '../../console/live-look.ts';
import { hashPassword, SALT_BYTES } from '../../console/password.ts';
import { answeringHosts, isLoopback, type Reached } from '../../console/request-guard.ts';
import { Reviews } from '../../console/reviews.ts';
import { Runs } from '../../console/runs.ts';
import { Sessions } from '../../console/sessions.ts';
import { SignInLimit } from '../../console/sign-in-limit.ts';
import { readUsers } from '../../console/users-inspect.ts';
import { flagOption, listOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { ActionChildren } from './act-run.ts';
import { ACTIONS } from './actions/catalogue.ts';
import { questionRunner } from './ask-run.ts';
import { gatherAnswers } from './gather-answers.ts';
import { auditFile, usersFile } from './places.ts';
import { QUESTIONS } from './questions/catalogue.ts';

const DEFAULT_LISTEN = '127.0.0.1:9188';
const LOOK_MS = 5000;
const CODE_BYTES = 24;

interface Where {
  readonly host: string;
  readonly port: number;
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  readonly isBehindProxy: boolean;
}

/** `dbadmin console`: serves the application until it is told to stop. */
export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { clock, log, output, signal } = context;
  const where = await whereOf(context, input);
  const users = usersFile(context, input);
  const hasUsers = (await readUsers(users)).length > 0;
  // A name typed wrong must not open the door that is there for a console without users.
  if (!hasUsers && textOption(input, 'users') !== undefined)
    throw new DbadminError('refused', `nobody may sign in by ${users}`, {
      hint: 'Add somebody: dbadmin console user add NAME --users FILE.',
    });
  const named = listOption(input, 'host');
  refuseOpenDoor(where, hasUsers, named);
  const reached: Reached = {
    hosts: answeringHosts(where.host, named),
    scheme: where.tls !== undefined || where.isBehindProxy ? 'https' : 'http',
  };
  const assets = await readAssets(fileURLToPath(new URL('dist/console/', INSTALLED_IN)));
  const answers = await gatherAnswers(context, input, auditFile(context, input));
  const startCode = hasUsers ? undefined : new Secret(randomBytes(CODE_BYTES).toString('base64url'));
  const trail = await AuditFile.open(auditFile(context, input));
  let signIns = 0;
  const audit: Audit = async (entry) => {
    await trail.add({ ...entry, at: clock.now().toISOString() });
    if (entry.what === 'sign-in' && entry.outcome === 'done') signIns += 1;
  };
  const children = new ActionChildren(context, input);
  const runs = new Runs(children.start, { audit, clock });
  let listening: Listening | undefined;
  try {
    const app = consoleApplication({
      answers,
      live: new LiveLook(async () => await answers.status(), { clock, log, everyMs: LOOK_MS }),
      asking: new Asking(QUESTIONS, questionRunner(context, input), clock),
      assets,
      reached,
      sessions: new Sessions(clock, randomBytes),
      limit: new SignInLimit(clock),
      users: async () => await readUsers(users),
      startCode,
      decoy: await hashPassword(new Secret(randomBytes(CODE_BYTES).toString('hex')), randomBytes(SALT_BYTES)),
      audit,
      acting: {
        actions: ACTIONS,
        reviews: new Reviews(clock, children.forget),
        runs,
        plan: children.plan,
        files: children.files,
        forget: children.forget,
      },
      clock,
      log,
    });
    listening = await listen(app, where);
    const url = `${reached.scheme}://${hostAt(where, named, listening.port)}`;
    sayWhere(context, url, startCode);
    log.info(`the audit trail is ${trail.file}`);
    await untilStopped(signal);
    output.result({ url, signIns });
    return 0;
  } finally {
    await endRuns(context, runs);
    await listening?.close();
    await trail.close();
    children.close();
  }
}

/** What was started here ends with the console, in its own time: it finishes what must be finished. */
async function endRuns({ log }: CommandContext, runs: Runs): Promise<void> {
  const running = runs.list().filter(({ state }) => state === 'running');
  for (const { command, who } of running) log.info(`asked to stop, and waited for: ${command}, which ${who} started`);
  await runs.close();
  for (const { id, command } of running) log.info(`${command}: ${runs.get(id).state}`);
}

function sayWhere({ output }: CommandContext, url: string, startCode: Secret | undefined): void {
  // With --json the one document comes at the end, and the link is needed now.
  const say = (text: string): void => (output.json ? output.note(text) : output.line(text));
  say(`The console is at ${url}/${startCode === undefined ? '' : `#code=${startCode.reveal()}`}`);
  if (startCode !== undefined) say('This link signs in once, as operator; for more: dbadmin console user add NAME');
}

async function whereOf(context: CommandContext, input: CommandInput): Promise<Where> {
  const text = textOption(input, 'listen') ?? DEFAULT_LISTEN;
  const match = /^(?:\[([\da-f:]+)\]|([^:]+)):(\d{1,5})$/i.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) throw new DbadminError('usage', `--listen takes HOST:PORT, not "${text}"`);
  const cert = textOption(input, 'tlsCert');
  const key = textOption(input, 'tlsKey');
  if ((cert === undefined) !== (key === undefined)) throw new DbadminError('usage', '--tls-cert and --tls-key go together');
  const read = async (file: string): Promise<string> => await readPem(path.resolve(context.cwd, file));
  return {
    host: match[1] ?? match[2] ?? '',
    port,
    tls: cert === undefined || key === undefined ? undefined : { cert: await read(cert), key: await read(key) },
    isBehindProxy: flagOption(input, 'behindProxy'),
  };
}

/** What others can reach is never without TLS, users and a name of its own. */
function refuseOpenDoor({ host, tls, isBehindProxy }: Where, hasUsers: boolean, named: readonly string[]): void {
  if (isLoopback(host) && !isBehindProxy) return;
  if (tls === undefined && !isBehindProxy) {
    throw new DbadminError('refused', `${host} can be reached from elsewhere, and passwords would pass in the clear`, {
      hint: 'Give --tls-cert and --tls-key, or --behind-proxy where a proxy ends TLS; or listen on 127.0.0.1.',
    });
  }
  if (!hasUsers) {
    throw new DbadminError('refused', 'the console can be reached from elsewhere and nobody may sign in', {
      hint: 'Add somebody first: dbadmin console user add NAME --role operator.',
    });
  }
  if (named.length === 0) {
    throw new DbadminError('usage', 'browsers reach the console under a name that is not known', {
      hint: 'Give it: --host dba.example.org.',
    });
  }
}

function hostAt({ host, port: stated, isBehindProxy }: Where, named: readonly string[], port: number): string {
  const [name = host.includes(':') ? `[${host}]` : host] = named;
  return isBehindProxy ? name : `${name}:${stated === 0 ? port : stated}`;
}

async function readPem(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new DbadminError('file-unreadable', `cannot read ${file}`, { detail: `${messageOf(error)}.`, cause: error });
  }
}

async function untilStopped(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
