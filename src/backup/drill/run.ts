import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { DbadminError, type ErrorCode } from '../../base/errors.ts';
import { openClient } from '../../postgres/client.ts';
import { serverPid, stopCluster, type ServerPrograms } from '../../postgres/server.ts';
import type { Repository } from '../../repository/repository.ts';
import { readingSource } from '../../repository/unreadable.ts';
import { applyRestore } from '../restore/apply.ts';
import { inspectRestore, originalSetting, type Preflight } from '../restore/inspect.ts';
import { checkReachable, freeBytesFor } from '../restore/lay-down-apply.ts';
import { inspectLibraries } from '../restore/libraries-inspect.ts';
import { rollBackPrepared } from '../restore/prepared-apply.ts';
import { makeQuarantine, superuserOf, type Quarantine } from '../restore/quarantine.ts';
import { freeClonePort, startLog, startRestored } from '../restore/start-run.ts';
import { LeftBehind } from '../restore/unreachable.ts';
import { runAmcheck } from './amcheck-run.ts';
import { runAssertions, type DrillAssertion } from './assertions-run.ts';
import { CLONE_LOG, cloneError, endedFromOutside, fullDisk } from './clone-error.ts';
import { sessionSettings } from './clone-sessions.ts';
import { closeDatabases, openDatabases } from './closed-databases-apply.ts';
import type { DrillOutcome } from './judge.ts';
import { inspectRecovery, listDatabases, promote } from './recovery-inspect.ts';
import type { DrillTarget, DrillTimes } from './report.ts';
import { aimAt, aimAtLeft, planDrill, type AimedTarget, type DrillAim } from './target.ts';

export interface DrillRequest {
  readonly repository: Repository;
  readonly clusterName: string;
  readonly systemIdentifier: string | undefined;
  readonly aim: DrillAim;
  /** Label of the backup to restore, or undefined for the newest that serves. */
  readonly backup: string | undefined;
  readonly assertions: readonly DrillAssertion[];
  /** The database that the assertions are about. */
  readonly database: string;
  /** Roles that may have been there at the moment that is restored. */
  readonly roles: readonly string[];
  readonly amcheck: 'off' | 'on' | 'heap-all-indexed';
  /** Empty, for this drill alone. Removed by the caller. */
  readonly scratch: string;
  readonly findPrograms: (major: number) => Promise<ServerPrograms>;
  readonly timeoutSeconds: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onPhase: (phase: string) => void;
  readonly onProgress: (done: number, total: number) => void;
}

export interface DrillRun extends DrillOutcome {
  readonly target: DrillTarget;
  readonly times: DrillTimes;
}

/** Failures that say nothing of the backup: the drill could not be held. */
const NOT_THE_BACKUP: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'interrupted',
  'usage',
  'internal',
  'program-missing',
  // An object that cannot be read where the storage answers is damaged: `readingSource`.
  'storage-failed',
  'storage-full',
  'storage-denied',
  'repository-missing',
  'key-wrong',
  'credentials-wrong',
  'refused',
  'file-unwritable',
]);

/**
 * Restores into the scratch directory, starts what was restored, and looks whether it is what was promised. The server has
 * ended when this returns or throws.
 *
 * @throws {DbadminError} when the drill could not be held. That the backup does not restore is an outcome.
 */
export async function runDrill(request: DrillRequest): Promise<DrillRun> {
  const drill = new Drill({ ...request, repository: readingSource(request.repository) });
  try {
    await drill.hold();
  } catch (error) {
    request.signal.throwIfAborted();
    if (!(error instanceof DbadminError) || NOT_THE_BACKUP.has(error.code)) throw error;
    drill.error = sentence(error);
  } finally {
    await drill.end();
  }
  return drill.result();
}

class Drill {
  readonly #request: DrillRequest;
  readonly #dataDirectory: string;
  readonly #begunMs: number;
  #programs: ServerPrograms | undefined;
  #isStarted = false;
  #target: DrillTarget = { asked: '', seed: null, moment: null };
  #outcome: { -readonly [K in keyof DrillOutcome]: DrillOutcome[K] };
  #times: { -readonly [K in keyof DrillTimes]: DrillTimes[K] } = {
    planMs: null,
    restoreMs: null,
    recoveryMs: null,
    rtoMs: null,
    checksMs: null,
  };

  constructor(request: DrillRequest) {
    this.#request = request;
    this.#dataDirectory = path.join(request.scratch, 'data');
    this.#begunMs = request.clock.now().getTime();
    const asked = request.aim.kind === 'given' ? request.aim.asked : request.aim.kind;
    this.#target = { asked, seed: request.aim.kind === 'random' ? request.aim.seed : null, moment: null };
    this.#outcome = { plan: null, reached: null, error: undefined, amcheck: { state: 'not-run' }, assertions: [] };
  }

  set error(text: string) {
    this.#outcome.error = text;
  }

  async hold(): Promise<void> {
    const { onPhase } = this.#request;
    onPhase('planning');
    const preflight = await this.#plan();
    const programs = await this.#request.findPrograms(Math.floor(preflight.resolution.backup.serverVersion / 10_000));
    this.#programs = programs;
    await checkReachable(this.#dataDirectory, programs.runAs);
    try {
      const quarantine = await this.#restore(preflight, programs);
      onPhase('checking');
      await this.#look(quarantine, sessionSettings(programs.major)).catch((error: unknown) => {
        throw cloneError(error) ?? error;
      });
    } finally {
      await this.#refuseEnded();
    }
  }

  /** What fails then says nothing of the backup, though it may have been taken for a finding. */
  async #refuseEnded(): Promise<void> {
    // Before that there may be a log that came with the backup.
    if (!this.#isStarted) return;
    const log = await readFile(startLog(this.#dataDirectory), 'utf8').catch(() => '');
    const ended = endedFromOutside(log) ?? (await this.#endedByFullDisk());
    this.#request.signal.throwIfAborted();
    if (ended !== undefined) throw ended;
  }

  /** On a full disk there is no room for the words either with which the server ends. */
  async #endedByFullDisk(): Promise<DbadminError | undefined> {
    if ((await serverPid(this.#dataDirectory)) !== undefined) return undefined;
    return fullDisk(this.#request.scratch, await freeBytesFor(this.#request.scratch));
  }

  /** Asks the started clone how far it came and what is in it. Whatever it answers with an error says something of the backup. */
  async #look(quarantine: Quarantine, settings: Readonly<Record<string, string>>): Promise<void> {
    const { onPhase } = this.#request;
    const started = this.#now();
    const superuser = await superuserOf(quarantine, this.#request.roles, { settings });
    const options = { applicationName: 'dbadmin drill', settings };
    const sql = await openClient(superuser, options);
    try {
      this.#outcome.reached = await inspectRecovery(sql, this.#dataDirectory, this.#outcome.plan?.lastCommit?.xid);
      if (this.#outcome.reached.state === 'paused') await promote(sql, this.#request.timeoutSeconds);
      this.#times.rtoMs = this.#now() - this.#begunMs;
      await rollBackPrepared(superuser, options);
      const { amcheck, signal } = this.#request;
      if (amcheck !== 'off') {
        const closed = await openDatabases(sql);
        if (closed.length > 0) await rollBackPrepared(superuser, options);
        this.#outcome.amcheck = await runAmcheck({
          superuser,
          settings,
          databases: await listDatabases(sql),
          heapAllIndexed: amcheck === 'heap-all-indexed',
          signal,
          onChecked: (done) => onPhase(`checking, ${done} relations`),
        });
        // After damage the clone may have ended this connection; and the drill has failed.
        if (this.#outcome.amcheck.state !== 'damaged') await closeDatabases(sql, closed);
      }
      const { assertions, database } = this.#request;
      this.#outcome.assertions = await runAssertions({ ...superuser, database }, assertions, signal, settings);
      this.#times.checksMs = this.#now() - started;
    } finally {
      await sql.end({ timeout: 5 });
    }
  }

  /** Ends the server; nothing in it is to be kept. */
  async end(): Promise<void> {
    if (this.#programs !== undefined) await stopCluster(this.#programs, this.#dataDirectory, 'immediate');
  }

  result(): DrillRun {
    return { ...this.#outcome, target: this.#target, times: this.#times };
  }

  async #plan(): Promise<Preflight> {
    const { aim } = this.#request;
    let aimed = await aimAt(this.#request, aim);
    this.#target = aimed.described;
    let preflight: Preflight;
    try {
      preflight = await this.#inspect(aimed);
    } catch (error) {
      if (aim.kind !== 'random' || !(error instanceof LeftBehind)) throw error;
      aimed = aimAtLeft(aimed, error.newest);
      preflight = await this.#inspect(aimed);
    }
    this.#outcome.plan = await planDrill(preflight, aimed);
    this.#times.planMs = this.#now() - this.#begunMs;
    return preflight;
  }

  async #inspect({ target, timeline }: AimedTarget): Promise<Preflight> {
    const { repository, clusterName, systemIdentifier, backup } = this.#request;
    const request = { repository, clusterName, systemIdentifier, target, backup, timeline, acceptsSuspect: true };
    return await inspectRestore({ ...request, exclusive: false, dataDirectory: this.#dataDirectory, tablespaces: new Map() });
  }

  /** Paused at its target where there is one, so that the point it reached can be seen before it takes writes. */
  async #restore(preflight: Preflight, programs: ServerPrograms): Promise<Quarantine> {
    const { clock, signal, scratch, timeoutSeconds, onPhase, onProgress } = this.#request;
    const owner = programs.runAs;
    const port = await freeClonePort();
    const { kept } = await inspectLibraries((name) => originalSetting(preflight, name), programs);
    const quarantine = await makeQuarantine(port, kept.get('shared_preload_libraries') ?? [], owner, scratch);
    const action = preflight.resolution.end.kind === 'end-of-wal' ? 'promote' : 'pause';
    onPhase('restoring');
    const begun = this.#now();
    const restored = await applyRestore({
      preflight,
      port,
      clusterName: 'dbadmin-drill',
      action,
      quarantine: [...quarantine.settings, ...CLONE_LOG],
      programs,
      owner,
      signal,
      onProgress: (phase, done, total) => (phase === 'files' ? onProgress(done, total) : undefined),
    });
    this.#times.restoreMs = this.#now() - begun;
    onPhase('recovering');
    const laidDown = this.#now();
    this.#isStarted = true;
    await startRestored({ restored, programs, action, timeoutSeconds, clock, signal, settles: false });
    this.#times.recoveryMs = this.#now() - laidDown;
    return quarantine;
  }

  #now(): number {
    return this.#request.clock.now().getTime();
  }
}

function sentence(error: DbadminError): string {
  const text = `${error.message.charAt(0).toUpperCase()}${error.message.slice(1)}.`;
  return error.detail === undefined ? text : `${text} ${error.detail}`;
}
