import type postgres from 'postgres';
import type { Figure, MethodFigures, TaskFigures } from './figures.ts';

/** A run as reco.evaluation has it; what was said of its split is not stored. */
export interface StoredEvaluation {
  readonly evaluationId: string;
  /** ISO, UTC. */
  readonly storedAt: string;
  readonly source: string;
  readonly seed: number;
  readonly settings: Readonly<Record<string, number>>;
  readonly reached: boolean | null;
  readonly tasks: readonly TaskFigures[];
}

interface FigureRow {
  readonly task: TaskFigures['task'];
  readonly cases: string;
  readonly items: string;
  readonly method: string;
  readonly metric: string;
  readonly value: number;
  readonly low: number | null;
  readonly high: number | null;
}

const OVER_POPULARITY = 'times popularity';
const ITEMS_SHOWN = 'items shown@10';
const KNOWN = 'known before@10';
const NO_METRICS: readonly string[] = [OVER_POPULARITY, ITEMS_SHOWN, KNOWN];

/** The last run that was stored; undefined where there is none. */
export async function readStoredEvaluation(sql: postgres.Sql): Promise<StoredEvaluation | undefined> {
  const [run] = await sql<
    { id: string; at: string; source: string; seed: string; settings: Record<string, number>; reached: boolean | null }[]
  >`
    select evaluation_id as id, to_json(finished_at) as at, source, seed, settings, reached from reco.evaluation order by evaluation_id desc limit 1`;
  if (run === undefined) return undefined;
  const rows = await sql<FigureRow[]>`
    select t.task, t.cases, t.items, f.method, f.metric, f.value, f.low, f.high
    from reco.evaluation_task as t join reco.evaluation_figure as f on f.evaluation_id = t.evaluation_id and f.task = t.task
    where t.evaluation_id = ${run.id}
    order by array_position(array['next track', 'playlists', 'interactions'], t.task), f.method, f.metric`;
  return {
    evaluationId: run.id,
    storedAt: new Date(run.at).toISOString(),
    source: run.source,
    seed: Number(run.seed),
    settings: run.settings,
    reached: run.reached,
    tasks: tasksOf(rows),
  };
}

/** Methods in the order of what they reach, the best first. */
function tasksOf(rows: readonly FigureRow[]): readonly TaskFigures[] {
  return [...Map.groupBy(rows, ({ task }) => task)].map(([task, ofTask]) => {
    const methods = [...Map.groupBy(ofTask, ({ method }) => method)].map(([method, figures]) => methodOf(method, figures));
    const first = (each: MethodFigures): number => Object.values(each.figures)[0]?.value ?? 0;
    return {
      task,
      cases: Number(ofTask[0]?.cases),
      items: Number(ofTask[0]?.items),
      notes: [],
      methods: methods.sort((a, b) => first(b) - first(a)),
    };
  });
}

function methodOf(method: string, rows: readonly FigureRow[]): MethodFigures {
  const figure = ({ value, low, high }: FigureRow): Figure => ({ value, low: low ?? value, high: high ?? value });
  const over = rows.find(({ metric }) => metric === OVER_POPULARITY);
  return {
    method,
    figures: Object.fromEntries(rows.flatMap((row) => (NO_METRICS.includes(row.metric) ? [] : [[row.metric, figure(row)] as const]))),
    itemsShown: rows.find(({ metric }) => metric === ITEMS_SHOWN)?.value ?? 0,
    // Not stored by the first versions.
    knownShare: rows.find(({ metric }) => metric === KNOWN)?.value ?? null,
    overPopularity: over === undefined ? undefined : figure(over),
  };
}
