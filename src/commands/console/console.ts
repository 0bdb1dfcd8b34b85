import { fileURLToPath } from 'node:url';
import { messageOf } from '../../base/errors.ts';
import { INSTALLED_IN } from '../../base/installation.ts';
import type { Secret } from '../../base/secret.ts';
import { Asking } from '../../console/asking.ts';
import { consoleApplication, type ApplicationOptions } from '../../console/application.ts';
import { readAssets } from '../../console/assets-inspect.ts';
import { AuditFile } from '../../console/audit-apply.ts';
import type { Audit } from '../../console/guarded.ts';
import { listen, type Listening } from '../../console/listen-run.ts';
import { LiveLook } from '../../console/live-look.ts';
import { Reviews } from '../../console/reviews.ts';
import { Runs } from '../../console/runs.ts';
import { watchSessions } from '../../console/session-watch-run.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { ActionChildren } from './act-run.ts';
import { ACTIONS } from './actions/catalogue.ts';
import { questionRunner } from './ask-run.ts';
import { Covers } from './covers.ts';
import { doorOf } from './door.ts';
import { jobLogFollower } from './follow-job-log.ts';
import { gatherAnswers } from './gather-answers.ts';
import { auditFile } from './places.ts';
import { makePlanDirectory } from './plan-directory.ts';
import { QUESTIONS } from './questions/catalogue.ts';
import { addressOf, whereOf } from './where.ts';

const LOOK_MS = 5000;

/** `dbadmin console`: serves the application until it is told to stop. */
export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { clock, log, output, signal } = context;
  const where = await whereOf(context, input);
  const door = await doorOf(context, input, where);
  const assets = await readAssets(fileURLToPath(new URL('dist/console/', INSTALLED_IN)));
  const answers = await gatherAnswers(context, input, auditFile(context, input));
  const trail = await AuditFile.open(auditFile(context, input));
  let signIns = 0;
  const audit: Audit = async (entry) => {
    await trail.add({ ...entry, at: clock.now().toISOString() });
    if (entry.what === 'sign-in' && entry.outcome === 'done') signIns += 1;
  };
  const children = new ActionChildren(context, input, await makePlanDirectory());
  const covers = new Covers(context, input);
  const runs = new Runs(children.start, { audit, clock });
  let listening: Listening | undefined;
  try {
    const options: ApplicationOptions = {
      answers,
      live: new LiveLook(async () => await answers.status(), { clock, log, everyMs: LOOK_MS }),
      asking: new Asking(QUESTIONS, questionRunner(context, input), clock),
      readCover: covers.read,
      assets,
      ...door,
      audit,
      acting: {
        actions: ACTIONS,
        reviews: new Reviews(clock, children.forget),
        runs,
        plan: children.plan,
        files: children.files,
        forget: children.forget,
      },
      jobLog: jobLogFollower(context, input),
      clock,
      log,
    };
    watchSessions(options, signal);
    listening = await listen(consoleApplication(options), where);
    const url = addressOf(where, listening.port);
    sayWhere(context, url, door.startCode);
    log.info(`the audit trail is ${trail.file}`);
    // Whoever set it up wrongly is told now, and not by the first who wants to sign in.
    door.provider?.discovered().catch((error: unknown) => log.warn(`console: ${messageOf(error)}`));
    await untilStopped(signal);
    output.result({ url, signIns });
    return 0;
  } finally {
    await endRuns(context, runs);
    await listening?.close();
    await covers.close();
    await trail.close();
    await children.close();
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

async function untilStopped(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
