import { z } from 'zod';
import { DbadminError } from '../../base/errors.ts';
import { sha256Of } from '../files/checksum.ts';
import type { History } from '../history/history.ts';
import { compareVersions } from '../files/names.ts';
import type { MigrationPlan, PlanPolicy } from '../plan.ts';

const FORMAT = 'dbadmin-migration-plan';
const digest = z.string().regex(/^[0-9a-f]{64}$/);

const savedPlanSchema = z
  .object({
    format: z.literal(FORMAT),
    version: z.literal(1),
    madeAt: z.string(),
    tool: z.string(),
    cluster: z.string(),
    database: z.string(),
    system: z.string().nullable(),
    history: z.object({ sha256: digest, applied: z.number(), newest: z.string().nullable() }).readonly(),
    policy: z.object({ outOfOrder: z.boolean(), missing: z.boolean() }).readonly(),
    versioned: z.array(z.object({ version: z.string(), file: z.string(), sha256: digest }).readonly()).readonly(),
    routines: z.array(z.object({ name: z.string(), sha256: digest }).readonly()).readonly(),
    relations: z.array(z.object({ schema: z.string().nullable(), name: z.string(), sha256: digest.nullable() }).readonly()).readonly(),
  })
  .readonly();

/** What `plan --out` writes; each key is explained in SAVED-PLAN.md beside this file. */
export type SavedPlan = z.infer<typeof savedPlanSchema>;

/** The part of a saved plan that a plan, a history and a server give: what is compared. */
export type PlanState = Omit<SavedPlan, 'format' | 'version' | 'madeAt' | 'tool' | 'cluster'>;

/** What was looked at when a plan was made. */
export interface PlanGrounds {
  readonly plan: MigrationPlan;
  readonly history: History;
  readonly policy: PlanPolicy;
  readonly database: string;
  readonly system: string | undefined;
  readonly relations: SavedPlan['relations'];
}

export function planState({ plan, history, policy, database, system, relations }: PlanGrounds): PlanState {
  const newest = [...history.applied.keys()].sort(compareVersions).at(-1);
  return {
    database,
    system: system ?? null,
    history: { sha256: historyDigest(history), applied: history.applied.size, newest: newest ?? null },
    policy,
    versioned: plan.versioned.map(({ name, file }) => ({ version: name.version, file: name.file, sha256: file.sha256 })),
    routines: plan.routines.map(({ name, file }) => ({ name, sha256: file.sha256 })),
    relations,
  };
}

function historyDigest({ applied, routines, begun }: History): string {
  const lines = [
    ...[...applied].map(([version, { sha256 }]) => JSON.stringify(['applied', version, sha256])),
    ...[...routines].map(([name, { sha256 }]) => JSON.stringify(['routine', name, sha256])),
    ...[...begun].flatMap(([version, statements]) =>
      [...statements].map(([number, { sha256, finished }]) => JSON.stringify(['begun', version, number, sha256, finished])),
    ),
  ];
  return sha256Of(lines.toSorted((a, b) => (a < b ? -1 : 1)).join('\n'));
}

/** The text of the file. */
export function formatSavedPlan(state: PlanState, made: { readonly at: Date; readonly tool: string; readonly cluster: string }): string {
  const saved: SavedPlan = {
    format: FORMAT,
    version: 1,
    madeAt: made.at.toISOString(),
    tool: made.tool,
    cluster: made.cluster,
    ...state,
  };
  return `${JSON.stringify(saved, undefined, 2)}\n`;
}

/**
 * Reads the text of a file that {@link formatSavedPlan} made.
 *
 * @throws {DbadminError} `plan-stale` for a version this dbadmin does not know, `usage` for anything that is not a saved plan.
 */
export function parseSavedPlan(text: string, file: string): SavedPlan {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new DbadminError('usage', `${file} is not a saved plan: it is not JSON`, { cause: error });
  }
  const parsed = savedPlanSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const about = z.object({ format: z.literal(FORMAT), version: z.number() }).safeParse(value);
  if (about.success && about.data.version !== 1) {
    throw new DbadminError('plan-stale', `${file} is a saved plan of version ${about.data.version}, and this dbadmin knows version 1`, {
      hint: 'Plan anew with this dbadmin: dbadmin migrate plan --out FILE.',
    });
  }
  const [issue] = parsed.error.issues;
  throw new DbadminError('usage', `${file} is not a saved plan`, {
    detail: issue === undefined ? undefined : `${issue.path.join('.') || 'The document'}: ${issue.message}.`,
    hint: 'Make one with: dbadmin migrate plan --out FILE.',
  });
}
