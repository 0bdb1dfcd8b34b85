import { DbadminError } from '../base/errors.ts';
import type { Alerts } from './alert.ts';
import type { Queued } from './outbox.ts';

/** All that alerts keep between two looks: what was told, and what is still on its way. */
export interface AlertState {
  readonly alerts: Alerts;
  readonly outbox: readonly Queued[];
  /** When somebody last looked; null before the first time. */
  readonly lookedAt: string | null;
  /** Of a copy beside a shared state; undefined where nothing is shared. */
  readonly copy?: CopyMark | undefined;
}

/** How a copy on a machine stands to the state that several processes share. */
export interface CopyMark {
  /** What happened here since is not in the shared state. */
  readonly isAhead: boolean;
  /** Whether this process was the one that tells when it last saw the shared state. */
  readonly tells: boolean;
  /** Since when the shared state cannot be had; null while it can. */
  readonly awaySince: string | null;
}

export const NO_ALERTS: AlertState = { alerts: {}, outbox: [], lookedAt: null };

const VERSION = 1;

export function formatState({ alerts, outbox, lookedAt, copy }: AlertState): string {
  return `${JSON.stringify({ version: VERSION, alerts, outbox, lookedAt, copy }, undefined, 1)}\n`;
}

/**
 * The state that a file holds.
 *
 * @throws {DbadminError} `file-unreadable` when it is none, or one of a newer dbadmin: what it has told would be told again.
 */
export function parseState(text: string, file: string): AlertState {
  const value = parsed(text, file);
  const { version, alerts, outbox, lookedAt, copy } = value;
  if (version !== VERSION || !isMap(alerts) || !Array.isArray(outbox)) {
    throw new DbadminError('file-unreadable', `${file} is not a state of alerts that this dbadmin knows`, {
      detail: `Its version is ${JSON.stringify(version) ?? 'missing'}; known is ${VERSION}.`,
      hint: 'Use the newer dbadmin that wrote it. Moved away, it is begun anew, and what is wrong now is told once more.',
    });
  }
  return {
    alerts: alerts as Alerts,
    outbox: outbox as readonly Queued[],
    lookedAt: typeof lookedAt === 'string' ? lookedAt : null,
    copy: isMap(copy) ? (copy as unknown as CopyMark) : undefined,
  };
}

function parsed(text: string, file: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (isMap(value)) return value;
  } catch (error) {
    throw new DbadminError('file-unreadable', `${file} is not JSON`, {
      hint: 'Move it away: it is begun anew, and what is wrong now is told once more.',
      cause: error,
    });
  }
  throw new DbadminError('file-unreadable', `${file} holds no state of alerts`);
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
