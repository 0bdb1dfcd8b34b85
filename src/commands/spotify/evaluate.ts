import { DbadminError } from '../../base/errors.ts';
import { openClient } from '../../postgres/client.ts';
import { DEMANDED, evaluateListening, evaluatePairs, judgeTasks, SETTINGS, type Verdict } from '../../spotify/evaluate/evaluate.ts';
import { storeEvaluation } from '../../spotify/evaluate/evaluation-apply.ts';
import type { TaskFigures } from '../../spotify/evaluate/figures.ts';
import { readListeningFiles } from '../../spotify/evaluate/inspect-files.ts';
import { readInteractions } from '../../spotify/evaluate/inspect-interactions.ts';
import { readStoredEvaluation } from '../../spotify/evaluate/inspect-stored.ts';
import { readListeningWarehouse } from '../../spotify/evaluate/inspect-warehouse.ts';
import { flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { showTask } from './show-evaluation.ts';

interface Evaluated {
  readonly source: string;
  readonly tasks: readonly TaskFigures[];
}

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  if (flagOption(input, 'stored')) return await showStored(context, input);
  const { output, clock } = context;
  const startedAt = clock.now();
  const interactions = textOption(input, 'interactions');
  const seed = numberOption(input, 'seed', 1, (value) => Number.isSafeInteger(value) && value >= 0);
  const atLeast = numberOption(input, 'atLeast', undefined, (value) => value > 0);
  if (interactions !== undefined && input.args.length > 0)
    throw new DbadminError('usage', 'files of listens and --interactions exclude each other');
  const isOfFiles = interactions !== undefined || input.args.length > 0;
  const { source, tasks } =
    interactions !== undefined
      ? await ofInteractions(context, interactions, seed)
      : isOfFiles
        ? await ofFiles(context, input.args, seed)
        : await ofWarehouse(context, input, seed);
  for (const task of tasks) showTask(output, task);
  const demanded = atLeast ?? (interactions === undefined ? DEMANDED : undefined);
  const verdict = judgeTasks(tasks, demanded);
  const isStored = !isOfFiles || flagOption(input, 'store');
  const settings = { ...SETTINGS };
  const evaluationId = isStored
    ? await store(context, input, { startedAt, source, seed, settings, reached: verdict.reached, tasks })
    : undefined;
  output.result({
    source,
    seed,
    settings,
    tasks: tasks.map((task) => ({
      ...task,
      methods: task.methods.map((each) => ({ ...each, overPopularity: each.overPopularity ?? null })),
    })),
    demanded: demanded ?? null,
    reached: verdict.reached ?? null,
    evaluationId: evaluationId ?? null,
    storedAt: null,
  });
  conclude(context, verdict, evaluationId);
  return 0;
}

async function showStored(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const measures = ['interactions', 'seed', 'atLeast', 'store'].filter((name) => input.options[name] !== undefined);
  if (input.args.length + measures.length > 0) throw new DbadminError('usage', '--stored measures nothing: it goes alone');
  const { cluster } = await loadProject(context, input);
  const sql = await openClient(cluster.connection, { applicationName: 'dbadmin spotify evaluate' });
  try {
    const stored = await readStoredEvaluation(sql);
    if (stored === undefined) output.line('No run is stored yet: dbadmin spotify evaluate measures and stores one.');
    else {
      for (const task of stored.tasks) showTask(output, task);
      output.line(`Evaluation ${stored.evaluationId} of ${stored.source}, stored ${stored.storedAt}.`);
    }
    output.result({
      source: stored?.source ?? null,
      seed: stored?.seed ?? null,
      settings: stored?.settings ?? null,
      tasks: (stored?.tasks ?? []).map((task) => ({
        ...task,
        methods: task.methods.map((each) => ({ ...each, overPopularity: each.overPopularity ?? null })),
      })),
      demanded: null,
      reached: stored?.reached ?? null,
      evaluationId: stored?.evaluationId ?? null,
      storedAt: stored?.storedAt ?? null,
    });
    return 0;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function ofInteractions(context: CommandContext, file: string, seed: number): Promise<Evaluated> {
  const progress = context.output.progress('reading');
  try {
    const interactions = await readInteractions(file, {
      cwd: context.cwd,
      stdin: context.stdin,
      seed,
      signal: context.signal,
      onProgress: (doneBytes, rows) => progress.update(doneBytes, undefined, `${rows.toLocaleString('en')} rows`),
    });
    const task = evaluatePairs(interactions, seed);
    // Zeros in a table would look as if it had been measured.
    if (task.cases === 0)
      throw new DbadminError('load-failed', `${file} has no listener with five items or more: there is nothing to hide and ask for`);
    return { source: baseName(file), tasks: [task] };
  } finally {
    progress.end();
  }
}

async function ofFiles(context: CommandContext, files: readonly string[], seed: number): Promise<Evaluated> {
  const data = await readListeningFiles(files, {
    cwd: context.cwd,
    stdin: context.stdin,
    onFile: (name) => context.log.debug(`reading ${name}`),
  });
  return { source: data.source, tasks: evaluateListening(data, seed) };
}

async function ofWarehouse(context: CommandContext, input: CommandInput, seed: number): Promise<Evaluated> {
  const { cluster } = await loadProject(context, input);
  const sql = await openClient(cluster.connection, { applicationName: 'dbadmin spotify evaluate', jit: false });
  const progress = context.output.progress('reading', 'count');
  try {
    const data = await readListeningWarehouse(sql, (rows) => progress.update(rows, undefined, 'listens'));
    return { source: data.source, tasks: evaluateListening(data, seed) };
  } finally {
    progress.end();
    await sql.end({ timeout: 5 });
  }
}

async function store(context: CommandContext, input: CommandInput, run: Parameters<typeof storeEvaluation>[1]): Promise<string> {
  const { cluster } = await loadProject(context, input);
  const sql = await openClient(cluster.connection, { applicationName: 'dbadmin spotify evaluate', jit: false });
  try {
    return await storeEvaluation(sql, run);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

function conclude({ output }: CommandContext, verdict: Verdict, evaluationId: string | undefined): void {
  if (evaluationId !== undefined) output.line(`Stored as evaluation ${evaluationId} in reco.evaluation.`);
  if (verdict.reached === true) output.line(`Reached: ${verdict.said}.`);
  if (verdict.reached === undefined && verdict.said !== undefined) output.note(verdict.said);
  if (verdict.reached === false) {
    throw new DbadminError('evaluation-failed', verdict.said, {
      hint: 'The tables above say what each method reached. With little data the interval is wide: look at its upper end.',
    });
  }
}

function baseName(file: string): string {
  return file.split(/[/\\]/).at(-1) ?? file;
}

function numberOption<T extends number | undefined>(
  input: CommandInput,
  name: string,
  fallback: T,
  fits: (value: number) => boolean,
): number | T {
  const text = textOption(input, name);
  if (text === undefined) return fallback;
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && fits(value)) return value;
  const flag = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new DbadminError('usage', `--${flag} takes a number above 0, not "${text}"`);
}
