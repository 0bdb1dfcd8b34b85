import type { AuditWorld } from './world.ts';

export const SEVERITIES = ['critical', 'high', 'medium', 'low'] as const;
/** `critical`: leads to everything. `high`: to what was meant to be kept apart. `medium`, `low`: helps somebody on the way. */
export type Severity = (typeof SEVERITIES)[number];

/** Something in a cluster by which somebody may come to do more than the privileges look like. */
export interface Finding {
  /** The name of the rule that found it. */
  readonly rule: string;
  readonly severity: Severity;
  /** What it is about, in words: `svc_api`, `routine core.merge(bigint)`. */
  readonly subject: string;
  /** Undefined for what belongs to the whole cluster. */
  readonly database: string | undefined;
  /** Who can do what by it: one sentence, lower case, no full stop. */
  readonly message: string;
  /** What the catalog says, a fact each. */
  readonly evidence: readonly string[];
  /** Statements without semicolons that close it, for a superuser in `database`. */
  readonly sql: readonly string[];
  /** What closing it costs, or what is to be done beside the SQL. */
  readonly remark?: string | undefined;
}

export interface AuditRule {
  readonly name: string;
  /** What it finds, in a few words. */
  readonly summary: string;
  /** How it is used by somebody who means harm. Sentences. */
  readonly why: string;
  find(world: AuditWorld): readonly Omit<Finding, 'rule'>[];
}
