import { setTimeout as pause } from 'node:timers/promises';
import { effectsOf, type Effect } from '../../../../src/migrate/effects/effects.ts';
import { inspectRelations } from '../../../../src/migrate/effects/inspect.ts';
import { knownFrom } from '../../../../src/migrate/effects/known-objects.ts';
import { lockLevel, lockModeOf, type LockMode } from '../../../../src/migrate/effects/lock-modes.ts';
import { wantedFacts } from '../../../../src/migrate/effects/wanted-facts.ts';
import { loadSqlParser } from '../../../../src/migrate/sql/parser.ts';
import { openSession, type Session } from '../../../../src/migrate/session/session.ts';
import type { ConnectionParameters } from '../../../../src/postgres/parameters.ts';

const parser = await loadSqlParser();

export interface Comparison {
  /** `public.t AccessExclusive rewrite`, in order. */
  readonly claimed: readonly string[];
  readonly seen: readonly string[];
  /** Relations whose work is assumed. */
  readonly assumed: readonly string[];
}

/** What one relation was before, by oid. */
interface Before {
  readonly relation: string;
  readonly kind: string;
  readonly file: string;
  readonly read: number;
}

/** Weaker locks are those of ordinary reads and lookups. */
const isStrong = (mode: LockMode): boolean => lockLevel(mode) >= lockLevel('RowExclusive');

/** What `effectsOf` says of a statement with the live catalog before it. */
export async function claimsOf(session: Session, major: number, statement: string): Promise<readonly Effect[]> {
  const [node] = parser.parse(statement);
  const catalog = await inspectRelations(session, major, wantedFacts([[{ node }]]));
  return effectsOf({ node }, knownFrom(catalog));
}

/**
 * Runs a statement in a transaction that is rolled back, and gives what was claimed of it beside what the server did: locks of
 * RowExclusive and above on tables, views and what else is claimed; whether the relation's file is another; whether its rows were read.
 */
export async function compareClaims(session: Session, major: number, statement: string): Promise<Comparison> {
  const effects = (await claimsOf(session, major, statement)).filter(({ lock }) => isStrong(lock));
  await session.query('begin');
  try {
    const before = await look(session);
    await session.query(statement);
    const locks = await session.query<{ oid: string; mode: string }>(
      `select relation::text as oid, mode from pg_locks where pid = pg_backend_pid() and locktype = 'relation' and granted`,
    );
    return {
      claimed: effects.map((effect) => `${shown(effect)} ${effect.lock} ${effect.work === 'build' ? 'scan' : effect.work}`).sort(),
      seen: findings(locks, before, await look(session), effects),
      assumed: effects.filter(({ assumed }) => assumed !== undefined).map(shown),
    };
  } finally {
    await session.query('rollback');
  }
}

async function look(session: Session): Promise<ReadonlyMap<string, Before>> {
  const rows = await session.query<{ oid: string; relation: string; kind: string; file: string; read: string }>(
    `select c.oid::text as oid, n.nspname || '.' || c.relname as relation, c.relkind as kind, c.relfilenode::text as file,
       pg_stat_get_xact_tuples_returned(c.oid)::text as read
     from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname not in ('pg_catalog', 'pg_toast', 'information_schema')`,
  );
  return new Map(rows.map(({ oid, read, ...row }) => [oid, { ...row, read: Number(read) }]));
}

const shown = ({ relation }: Effect): string => `${relation.schema ?? 'public'}.${relation.name}`;

function findings(
  locks: readonly { readonly oid: string; readonly mode: string }[],
  before: ReadonlyMap<string, Before>,
  after: ReadonlyMap<string, Before>,
  effects: readonly Effect[],
): readonly string[] {
  const claims = new Map(effects.map((effect) => [shown(effect), effect]));
  const strongest = new Map<string, LockMode>();
  for (const { oid, mode: name } of locks) {
    const mode = lockModeOf(name);
    const there = before.get(oid);
    if (mode === undefined || there === undefined || !isStrong(mode)) continue;
    // Indexes and sequences go with their table; those that a statement names are compared too.
    if (['i', 'I', 'S'].includes(there.kind) && !claims.has(there.relation)) continue;
    const known = strongest.get(oid);
    if (known === undefined || lockLevel(mode) > lockLevel(known)) strongest.set(oid, mode);
  }
  return [...strongest]
    .flatMap(([oid, mode]) => {
      const was = before.get(oid);
      const is = after.get(oid);
      if (was === undefined) return [];
      const read = is !== undefined && is.read > was.read ? 'scan' : 'none';
      const anew = is !== undefined && is.file !== was.file;
      // What a query reads is for its plan to say, and a sequence has no rows worth counting.
      const depends = mode === 'RowExclusive' && claims.get(was.relation)?.work === 'none';
      const work = was.kind === 'S' || depends ? 'none' : anew ? (was.kind === 'i' ? 'scan' : 'rewrite') : read;
      return [`${was.relation} ${mode} ${work}`];
    })
    .sort();
}

/**
 * The strongest locks that a statement holds or waits for, by relation, while another session's transaction is in its way. The
 * statement is cancelled, and what it left behind stays.
 */
export async function locksBehind(
  parameters: ConnectionParameters,
  statement: string,
  holder: string,
): Promise<ReadonlyMap<string, LockMode>> {
  const open = async (): Promise<Session> => await openSession(parameters, { applicationName: 'effects test' });
  const [holding, running, watching] = await Promise.all([open(), open(), open()]);
  try {
    await holding.query(`begin; ${holder}`);
    const ended = running.query(statement).catch(() => undefined);
    const waits = `select wait_event_type = 'Lock' as waits from pg_stat_activity where pid = $1`;
    const until = Date.now() + 20_000;
    while ((await watching.query<{ waits: boolean | null }>(waits, [running.announcedPid]))[0]?.waits !== true) {
      if (Date.now() > until) throw new Error(`${statement} did not wait`);
      await pause(5);
    }
    const rows = await watching.query<{ name: string; mode: string }>(
      `select c.relname as name, l.mode from pg_locks l join pg_class c on c.oid = l.relation where l.pid = $1`,
      [running.announcedPid],
    );
    await watching.query('select pg_cancel_backend($1)', [running.announcedPid]);
    await ended;
    const strongest = new Map<string, LockMode>();
    for (const { name, mode } of rows) {
      const lock = lockModeOf(mode);
      const before = strongest.get(name);
      if (lock !== undefined && (before === undefined || lockLevel(lock) > lockLevel(before))) strongest.set(name, lock);
    }
    return strongest;
  } finally {
    await Promise.all([holding, running, watching].map(async (each) => await each.close()));
  }
}
