import type postgres from 'postgres';
import type { TaskFigures } from './figures.ts';

export interface EvaluationRun {
  readonly startedAt: Date;
  readonly source: string;
  readonly seed: number;
  readonly settings: Readonly<Record<string, number>>;
  /** Undefined where nothing was demanded. */
  readonly reached: boolean | undefined;
  readonly tasks: readonly TaskFigures[];
}

/** Stores a run and its figures, in one transaction; gives its number. */
export async function storeEvaluation(sql: postgres.Sql, run: EvaluationRun): Promise<string> {
  const stored = await sql.begin(async (transaction) => {
    const [row] = await transaction<{ id: string }[]>`
      insert into reco.evaluation (started_at, source, seed, settings, reached)
      values (${run.startedAt}, ${run.source}, ${run.seed}, ${JSON.stringify(run.settings)}::text::jsonb, ${run.reached ?? null})
      returning evaluation_id as id`;
    const id = row?.id ?? '';
    for (const { task, cases, items, methods } of run.tasks) {
      await transaction`insert into reco.evaluation_task (evaluation_id, task, cases, items) values (${id}, ${task}, ${cases}, ${items})`;
      for (const { method, figures, itemsShown, knownShare, overPopularity } of methods) {
        const rows = [
          ...Object.entries(figures),
          ...(overPopularity === undefined ? [] : [['times popularity', overPopularity] as const]),
          ['items shown@10', { value: itemsShown, low: null, high: null }] as const,
          ['known before@10', { value: knownShare, low: null, high: null }] as const,
        ];
        for (const [metric, { value, low, high }] of rows) {
          await transaction`
            insert into reco.evaluation_figure (evaluation_id, task, method, metric, value, low, high)
            values (${id}, ${task}, ${method}, ${metric}, ${value}, ${low}, ${high})`;
        }
      }
    }
    return { id };
  });
  return stored.id;
}
