import { formatBytes } from '../../base/bytes.ts';
import { formatDuration } from '../../base/durations.ts';
import { countChanges } from '../../migrate/files/diff.ts';
import type { ForeseenEffect, ForeseenStatement } from '../../migrate/effects/foresee.ts';
import { blockedBy, lockLevel } from '../../migrate/effects/lock-modes.ts';
import { showRelation } from '../../migrate/effects/relation-name.ts';
import type { Finding } from '../../migrate/lint/finding.ts';
import { findingJson } from '../../migrate/lint/format/json.ts';
import type { Forecast } from '../../migrate/rehearse/forecast.ts';
import { rehearsedStatements, type RehearsedStatement } from '../../migrate/rehearse/record.ts';
import { restorePointName, restorePointObstacle } from '../../migrate/restore-point.ts';
import type { Statement } from '../../migrate/files/migration.ts';
import type { Output } from '../output.ts';
import { describeNewest, type Newest } from './newest-backup.ts';
import { count } from './load-migrations.ts';
import type { FullPlan } from './gather-plan.ts';

const TEXT_WIDTH = 72;
/** Of a file's text: what a review shows. */
const MOST_CHARACTERS = 200_000;

export interface ShownWith {
  readonly diff: boolean;
  readonly now: Date;
  /** Undefined for a cluster without repositories. */
  readonly newest: Newest | undefined;
}

type Rehearsed = (version: string | undefined, statement: Statement) => RehearsedStatement | undefined;

/** Prints what is pending, statement by statement: lock, whom it stops, what it does with how many rows, how long it took in rehearsal. */
export function showPlan(output: Output, full: FullPlan, shown: ShownWith): void {
  const { diff } = shown;
  const { plan, foreseen, findings } = full;
  const rehearsed = rehearsedOf(full);
  for (const [index, { name, parsed, finished, file }] of plan.versioned.entries()) {
    output.line();
    output.line(`${name.file}${parsed.directives.transaction ? '' : '   no-transaction'}`);
    const statements = foreseen[index] ?? [];
    const rows = statements.map((each) => [
      String(each.statement.number).padStart(3),
      oneLine(each.statement.text),
      ...(finished.has(each.statement.number) ? ['done by an interrupted run'] : describe(each, rehearsed(name.version, each.statement))),
    ]);
    const widths = columnWidths(rows);
    for (const [at, row] of rows.entries()) {
      output.line(aligned(row, widths));
      for (const finding of findings.filter((each) => each.file === file.path && each.statement === at + 1)) showFinding(output, finding);
    }
    for (const finding of findings.filter((each) => each.file === file.path && each.statement === undefined)) showFinding(output, finding);
  }
  if (plan.routines.length > 0) output.line();
  for (const [index, routine] of plan.routines.entries()) showRoutine(output, full, index, routine, diff);
  output.line();
  showEnd(output, full, shown);
}

function showRoutine(
  output: Output,
  { plan, foreseen, findings, drift }: FullPlan,
  index: number,
  { name, change, diff, file }: FullPlan['plan']['routines'][number],
  isDiff: boolean,
): void {
  const lines = diff.length > 0 ? `, ${count(countChanges(diff), 'line')}${change === 'changed' && !isDiff ? ' (--diff)' : ''}` : '';
  output.line(`routine ${name}   ${change}${lines}`);
  const blocking = (foreseen[plan.versioned.length + index] ?? []).flatMap(({ effects }) => effects.filter(isBlocking));
  for (const effect of strongestEach(blocking)) output.line(`      ${effect.lock} on ${whom(effect)}`);
  if (isDiff) for (const line of diff) output.line(`    ${line}`);
  for (const { signature, kind, diff: changed } of drift.filter((each) => each.name === name)) {
    const what =
      kind === 'gone' ? 'is no longer in the database' : 'is not what was applied: somebody changed it there, and this overwrites it';
    output.line(`      ${output.style('warn', 'warning')} ${signature} ${what}`);
    if (isDiff) for (const line of changed) output.line(`      ${line}`);
  }
  for (const finding of findings.filter((each) => each.file === file.path)) showFinding(output, finding);
}

function showFinding(output: Output, { severity, rule, message, blocked, safe }: Finding): void {
  if (severity === 'notice') return;
  output.line(`      ${output.style(severity === 'error' ? 'bad' : 'warn', severity)} ${rule}: ${message}`);
  if (blocked !== undefined) output.line(`              ${blocked}`);
  for (const line of safe.split('\n')) output.line(`              ${output.style('dim', line)}`);
}

function showEnd(output: Output, full: FullPlan, { now, newest }: ShownWith): void {
  const { plan, findings, rehearsal, forecast } = full;
  const point = restorePointOf(full, now);
  if (forecast !== undefined && isWorthSaying(forecast)) output.line(forecast.sentence);
  output.line('name' in point ? `restore point ${point.name} will be set first.` : point.obstacle);
  if (newest !== undefined) output.line(`To fall back to: ${describeNewest(newest, now.getTime())}.`);
  if (rehearsal !== undefined) {
    const ageMs = Math.max(0, now.getTime() - Date.parse(rehearsal.at));
    output.line(`Times are those of the rehearsal ${formatDuration(ageMs)} ago, on backup ${rehearsal.backup}.`);
  }
  const [errors, warnings] = (['error', 'warning'] as const).map(
    (severity) => findings.filter((each) => each.severity === severity).length,
  );
  const counts = [...(errors === 0 ? [] : [count(errors ?? 0, 'error')]), ...(warnings === 0 ? [] : [count(warnings ?? 0, 'warning')])];
  const rehearse = plan.versioned.length > 0 && rehearsal === undefined ? '        Try it on a clone: dbadmin migrate rehearse' : '';
  output.line(`${counts.length === 0 ? '' : `${counts.join(', ')}. `}Apply with: dbadmin migrate${rehearse}`);
}

/** That nobody waits, as far as locks tell, is in every line above. */
function isWorthSaying({ source, blocks }: Forecast): boolean {
  return source !== 'locks' || blocks.length > 0;
}

/** Lock, whom it stops, the work, and the time of the rehearsal. */
function describe({ effects, isOpaque }: ForeseenStatement, rehearsed: RehearsedStatement | undefined): readonly string[] {
  const time = rehearsed === undefined ? '' : `~${formatDuration(rehearsed.tookMs)}`;
  const there = effects.filter(({ isNew }) => !isNew);
  const [first] = there;
  if (first === undefined) {
    const nothing = isOpaque ? 'what it runs is not known before' : effects.length > 0 ? 'only what this file made' : 'locks no table';
    return [nothing, '', '', time];
  }
  const strong = strongestEach(there.filter((each) => lockLevel(each.lock) >= lockLevel('RowExclusive')));
  const [main = first, ...others] = strong;
  const also = others.map((each) => `${each.lock} on ${showRelation(each.relation)}`);
  const unknown = isOpaque ? ['and what it runs'] : [];
  return [main.lock, [whom(main), ...also, ...unknown].join('; '), workText(main), time];
}

function workText({ work, assumed, lock, facts }: ForeseenEffect): string {
  if (facts?.kind === 'p' && work === 'none') return '';
  const unsure = assumed === undefined ? '' : ` (${assumed})`;
  switch (work) {
    case 'rewrite':
      return `REWRITES the table${unsure}`;
    case 'build':
      return 'builds an index';
    case 'scan':
      return `reads every row${unsure}`;
    case 'none':
      return lockLevel(lock) >= lockLevel('ShareRowExclusive') ? 'no rewrite' : '';
  }
}

/** `blocks reads+writes of core.play, 1.2 M rows, 214 MB`. */
function whom(effect: ForeseenEffect): string {
  const { relation, facts } = effect;
  if (effect.isAbsent === true) return `${showRelation(relation)} is not there, and nothing before makes it`;
  const blocked = blockedBy(effect.lock);
  const size =
    facts === undefined || !['r', 'p', 'm'].includes(facts.kind) ? '' : `, ${rowsText(facts.rows)}${formatBytes(facts.sizeBytes)}`;
  return `${blocked === 'nothing' ? 'blocks nothing on' : `blocks ${blocked} of`} ${showRelation(relation)}${size}`;
}

function rowsText(rows: number | undefined): string {
  if (rows === undefined) return '';
  const text = rows >= 999_500 ? `${(rows / 1e6).toFixed(rows >= 9_950_000 ? 0 : 1)} M` : rows.toLocaleString('en');
  return `${text} row${rows === 1 ? '' : 's'}, `;
}

const isBlocking = ({ lock, isNew }: ForeseenEffect): boolean => !isNew && blockedBy(lock) !== 'nothing';

/** For each relation the strongest lock, in the order given. */
function strongestEach(effects: readonly ForeseenEffect[]): readonly ForeseenEffect[] {
  const found = new Map<string, ForeseenEffect>();
  for (const each of effects) {
    const key = showRelation(each.facts?.relation ?? each.relation);
    const before = found.get(key);
    if (before === undefined || lockLevel(each.lock) > lockLevel(before.lock)) found.set(key, each);
  }
  return [...found.values()];
}

function rehearsedOf({ rehearsal }: FullPlan): Rehearsed {
  return rehearsal === undefined ? () => undefined : rehearsedStatements(rehearsal);
}

function restorePointOf({ plan, server }: FullPlan, now: Date): { readonly name: string } | { readonly obstacle: string } {
  const obstacle = server.isStandby ? 'this is a standby: migrate the primary' : restorePointObstacle(server);
  return obstacle === undefined ? { name: restorePointName(now, plan.versioned[0]?.name.version) } : { obstacle };
}

/** The plan as `--json` shows it. */
export function planJson(full: FullPlan, { out, now }: { readonly out: string | undefined; readonly now: Date }): Record<string, unknown> {
  const { plan, server, foreseen, findings, drift, rehearsal, forecast } = full;
  const rehearsed = rehearsedOf(full);
  const isPending = plan.versioned.length + plan.routines.length > 0;
  return {
    database: server.database,
    versioned: plan.versioned.map(({ name, parsed, finished, file }, index) => ({
      version: name.version,
      file: name.file,
      path: file.path,
      transaction: parsed.directives.transaction,
      sql: file.text.slice(0, MOST_CHARACTERS),
      statements: (foreseen[index] ?? []).map((each) => {
        const { number, line, kind, text } = each.statement;
        const time = rehearsed(name.version, each.statement);
        return {
          number,
          line,
          command: kind.command,
          object: kind.object ?? null,
          text: text.slice(0, 10_000),
          done: finished.has(number),
          effects: each.effects.map(effectJson),
          opaque: each.isOpaque,
          expectedMs: time?.tookMs ?? null,
          findings: findings.filter((finding) => finding.file === file.path && finding.statement === number).map(findingJson),
        };
      }),
    })),
    routines: plan.routines.map(({ name, change, diff, file }, index) => ({
      name,
      path: file.path,
      change,
      sql: file.text.slice(0, MOST_CHARACTERS),
      diff,
      effects: (foreseen[plan.versioned.length + index] ?? []).flatMap(({ effects }) => effects.map(effectJson)),
      drift: drift.filter((each) => each.name === name).map(({ signature, kind, diff }) => ({ signature, kind, diff })),
    })),
    findings: findings.map(findingJson),
    forecast: forecast ?? null,
    restorePoint: isPending ? restorePointOf(full, now) : null,
    rehearsal: rehearsal === undefined ? null : { at: rehearsal.at, backup: rehearsal.backup, moment: rehearsal.moment },
    savedIn: out ?? null,
    warnings: plan.warnings,
  };
}

function effectJson({ relation, lock, work, isNew, assumed, facts }: ForeseenEffect): Record<string, unknown> {
  return {
    relation: showRelation(facts?.relation ?? relation),
    lock,
    blocks: isNew ? 'nothing' : blockedBy(lock),
    work,
    assumed: assumed ?? null,
    isNew,
    rows: facts?.rows ?? null,
    sizeBytes: facts?.sizeBytes ?? null,
  };
}

function oneLine(text: string): string {
  const line = text.slice(0, TEXT_WIDTH * 4).replaceAll(/\s+/g, ' ');
  return line.length > TEXT_WIDTH ? `${line.slice(0, TEXT_WIDTH - 1)}…` : line;
}

function columnWidths(rows: readonly (readonly string[])[]): readonly number[] {
  const most = Math.max(0, ...rows.map((row) => row.length));
  return Array.from({ length: most }, (_, column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
}

function aligned(row: readonly string[], widths: readonly number[]): string {
  return row
    .map((cell, column) => cell.padEnd(widths[column] ?? 0))
    .join('  ')
    .trimEnd();
}
