import { createHash } from 'node:crypto';
import { z } from 'zod';
import { DbadminError } from '../base/errors.ts';
import type { Change } from './change.ts';
import { describeChange } from './describe.ts';
import type { RolesDocument } from './document/document.ts';
import type { RolesPlan } from './plan.ts';
import type { ObservedState } from './state.ts';
import { digestState } from './state-digest.ts';

const FORMAT = 'dbadmin-roles-plan';
const digest = z.string().regex(/^[0-9a-f]{64}$/);

const savedPlanSchema = z
  .object({
    format: z.literal(FORMAT),
    version: z.literal(1),
    madeAt: z.string(),
    tool: z.string(),
    cluster: z.string(),
    system: z.string(),
    file: z.string(),
    fileSha256: digest,
    role: z.string(),
    uncompared: z.array(z.string()).readonly(),
    state: z.record(z.string(), digest),
    changes: z.array(z.record(z.string(), z.unknown())).readonly(),
    sha256: digest,
  })
  .readonly();

/** What `roles plan --out` writes; each key is explained in SAVED-PLAN.md beside this file. */
export type SavedPlan = z.infer<typeof savedPlanSchema>;

/** The text of roles.yaml, by its name and digest. */
export interface RolesFile {
  readonly name: string;
  readonly sha256: string;
}

export interface SavedPlanGrounds {
  readonly document: RolesDocument;
  readonly file: RolesFile;
  readonly observed: ObservedState;
  readonly plan: RolesPlan;
}

/** The plan as it is saved. */
export function savePlan(
  { document, file, observed, plan }: SavedPlanGrounds,
  made: { readonly at: Date; readonly tool: string; readonly cluster: string },
): SavedPlan {
  const grounds = {
    system: observed.cluster.systemIdentifier,
    file: file.name,
    fileSha256: file.sha256,
    role: observed.cluster.currentRole,
    uncompared: [...observed.passwords]
      .filter(([, finding]) => finding === 'unreadable')
      .map(([name]) => name)
      .sort(),
    state: digestState(document, observed),
    changes: plainChanges(plan.changes),
  };
  return {
    format: FORMAT,
    version: 1,
    madeAt: made.at.toISOString(),
    tool: made.tool,
    cluster: made.cluster,
    ...grounds,
    sha256: digestPlan(grounds),
  };
}

function plainChanges(changes: readonly Change[]): SavedPlan['changes'] {
  return JSON.parse(JSON.stringify(changes)) as SavedPlan['changes'];
}

/** What is approved: the cluster, the file, the state and the changes. Not when it was made, nor by whom. */
export function digestPlan(grounds: Pick<SavedPlan, 'system' | 'fileSha256' | 'state' | 'changes'>): string {
  const { system, fileSha256, state, changes } = grounds;
  const parts = Object.entries(state).sort(([left], [right]) => (left < right ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([system, fileSha256, parts, changes]), 'utf8')
    .digest('hex');
}

/** The text of the file that holds it. */
export function formatSavedPlan(saved: SavedPlan): string {
  return `${JSON.stringify(saved, undefined, 2)}\n`;
}

/**
 * Reads the text of a file that {@link formatSavedPlan} made.
 *
 * @throws {DbadminError} `plan-stale` for a version this dbadmin does not know, `usage` for anything that is not a saved plan
 *   or that somebody has changed since.
 */
export function parseSavedPlan(text: string, file: string): SavedPlan {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new DbadminError('usage', `${file} is not a saved plan: it is not JSON`, { cause: error });
  }
  const about = z.object({ format: z.literal(FORMAT), version: z.number() }).safeParse(value);
  if (about.success && about.data.version !== 1) {
    throw new DbadminError('plan-stale', `${file} is a saved plan of version ${about.data.version}, and this dbadmin knows version 1`, {
      hint: 'Plan anew with this dbadmin: dbadmin roles plan --out FILE.',
    });
  }
  const parsed = savedPlanSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new DbadminError('usage', `${file} is not a saved plan of roles`, {
      detail: issue === undefined ? undefined : `${issue.path.join('.') || 'The document'}: ${issue.message}.`,
      hint: 'Make one with: dbadmin roles plan --out FILE.',
    });
  }
  if (digestPlan(parsed.data) !== parsed.data.sha256) {
    throw new DbadminError('usage', `${file} has been changed since it was saved`, {
      detail: `Its contents do not have the SHA-256 ${parsed.data.sha256} that it says.`,
      hint: 'Plan anew: dbadmin roles plan --out FILE.',
    });
  }
  return parsed.data;
}

/** `observed` as whoever made the plan saw it: passwords that they could not compare are no part of the plan. */
export function asSaved(observed: ObservedState, saved: SavedPlan): ObservedState {
  const passwords = new Map(observed.passwords);
  for (const role of saved.uncompared) if (typeof passwords.get(role) === 'string') passwords.set(role, 'unreadable');
  return { ...observed, passwords };
}

/** @throws {DbadminError} `plan-stale` saying what moved since the plan was saved. */
export function refuseStaleSavedPlan(saved: SavedPlan, grounds: SavedPlanGrounds): void {
  const moved = whatMoved(saved, grounds);
  if (moved.length === 0) return;
  throw new DbadminError('plan-stale', 'the saved plan is not what would be done now; nothing was changed', {
    detail: moved.join('\n'),
    hint: 'Look at the new plan and save it again: dbadmin roles plan --out FILE.',
  });
}

/** What moved between then and now, one sentence each; empty when nothing did. */
export function whatMoved(saved: SavedPlan, { document, file, observed, plan }: SavedPlanGrounds): readonly string[] {
  const { systemIdentifier: system, currentRole } = observed.cluster;
  if (saved.system !== system && saved.system !== '' && system !== '') {
    return [`It was made for the cluster with system identifier ${saved.system}, and this one has ${system}.`];
  }
  const moved: string[] = [];
  if (saved.fileSha256 !== file.sha256) moved.push(`${file.name} has another text than then.`);
  const now = digestState(document, observed);
  const parts = [...new Set([...Object.keys(saved.state), ...Object.keys(now)])].filter((part) => saved.state[part] !== now[part]);
  if (parts.length > 0) moved.push(`The cluster has changed: ${parts.join(', ')}.`);
  if (JSON.stringify(saved.changes) === JSON.stringify(plainChanges(plan.changes))) return moved;
  if (saved.role !== currentRole)
    moved.push(`It was made for role ${saved.role}, and this is ${currentRole}: plan with --as ${currentRole}.`);
  return [...moved, ...changesMoved(saved, plan)];
}

const SHOWN = 10;

function changesMoved(saved: SavedPlan, plan: RolesPlan): readonly string[] {
  const before = new Set(saved.changes.map((change) => JSON.stringify(change)));
  const after = new Set(plainChanges(plan.changes).map((change) => JSON.stringify(change)));
  const isNew = (change: Change): boolean => !before.has(JSON.stringify(change));
  const gone = saved.changes.filter((change) => !after.has(JSON.stringify(change)));
  const lines = [
    ...plan.changes.filter(isNew).map((change) => `Now in the plan: ${textOf(change)}.`),
    ...gone.map((change) => `No longer in the plan: ${textOf(change as unknown as Change)}.`),
  ];
  return lines.length <= SHOWN ? lines : [...lines.slice(0, SHOWN), `And ${lines.length - SHOWN} more.`];
}

function textOf(change: Change): string {
  const { subject, sign, text } = describeChange(change);
  return `${subject} ${sign} ${text}`;
}
